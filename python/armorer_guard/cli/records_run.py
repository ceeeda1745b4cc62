"""`show RUN`: the operating record of one run on one page, for somebody who was not there."""

from __future__ import annotations

import json
from collections import Counter
from functools import cached_property
from typing import Any

from armorer_guard.cli.records_list import gap_in_words, run_entry
from armorer_guard.cli.records_page import ENDINGS, Page, Section
from armorer_guard.cli.records_show import was_stopped
from armorer_guard.cli.records_text import (
    ODD,
    Screen,
    counted,
    long_time,
    part,
    parts,
    short_id,
    short_time,
    size,
    summary,
    texts,
    visible,
)
from armorer_guard.records.index import Filters, Index, Row, Run
from armorer_guard.records.intake import micros

_MOST = 8
_SHOWN_LAST = 5
_MOST_SERVERS, _MOST_TOOLS = 12, 20
_PROMPT = 300
"""Characters of a prompt that are shown."""
_LOOKED_AT = 200
"""Latest outcomes that are read for what was observed: a page is to be there at once."""
_RESUMABLE = {"True": "possible", "False": "not possible"}
_READS = ".read"
"""How kinds of actions end that change nothing."""
_NO_TELLER = "the runtime does not report it to the guard"


class _Told:
    """What the records of a run say of its configuration, the latest word first."""

    def __init__(self, index: Index, run: Run) -> None:
        self.index, self.run = index, run
        self.start = self._first("run.start") or {}
        self.epochs = [line for row in self.rows("run.epoch", 50) if (line := index.summary(row))]
        self.stop_row = next(iter(self.rows("run.stop", 1)), None)
        self.stop = index.summary(self.stop_row) if self.stop_row else None
        self.gaps = texts(part(self.start, "coverage"), "gaps")
        self.latest = self._latest_call()

    def _latest_call(self) -> dict[str, Any]:
        """Facts of the last call that says where it happened."""
        facts = [
            part(self.index.summary(row) or {}, "facts") for row in self.index.find(Filters(run=self.run.name), 20)
        ]
        return next((found for found in facts if part(found, "context").get("cwd") is not None), {})

    @cached_property
    def outcomes(self) -> list[tuple[Row, dict[str, Any]]]:
        """The latest outcomes."""
        return self.lines("outcome", _LOOKED_AT)

    def said_by_a_person(self, *, oldest_first: bool) -> tuple[Row, str] | None:
        """The first or the last prompt among the records at that end of the run."""
        for row in self.index.find(Filters(run=self.run.name), _LOOKED_AT, oldest_first=oldest_first):
            if not row.tool:
                facts = part(self.index.summary(row) or {}, "facts")
                if facts.get("surface") == "user" and isinstance(text := facts.get("args"), str):
                    return row, text
        return None

    def rows(self, kind: str, limit: int) -> list[Row]:
        """Records of a kind, the latest first."""
        return self.index.find(Filters(record_kind=kind, run=self.run.name), limit)

    def lines(self, kind: str, limit: int) -> list[tuple[Row, dict[str, Any]]]:
        """Records of a kind with what they say, the latest first."""
        return [(row, self.index.summary(row) or {}) for row in self.rows(kind, limit)]

    def _first(self, kind: str) -> dict[str, Any] | None:
        rows = self.index.find(Filters(record_kind=kind, run=self.run.name), 1, oldest_first=True)
        return self.index.summary(rows[0]) if rows else None

    def configured(self, name: str) -> dict[str, Any]:
        """A part of the configuration as it was last; members that a change does not name are as they were."""
        found: dict[str, Any] = {}
        for record in (self.start, *reversed(self.epochs)):
            found |= {key: value for key, value in part(record, name).items() if value not in (None, [], {})}
        return found


def show_run(index: Index, run: Run, screen: Screen, as_json: bool) -> int:
    """The page of a run, or the same for programs."""
    told = _Told(index, run)
    sections = [
        make(told)
        for make in (
            _identity,
            _agent,
            _model,
            _tools,
            _inputs,
            _decisions,
            _approvals,
            _changes,
            _stopped,
            _evidence,
        )
    ]
    if as_json:
        answer = {
            "run": run_entry(run),
            "fields": [section.as_json() for section in sections],
            "start": told.start or None,
            "epochs": told.epochs[::-1],
            "stop": told.stop,
            "ended": index.totals(run.name),
            "policies": index.policies(run.name),
        }
        print(json.dumps(answer, indent=1, ensure_ascii=True))
        return 0
    print(f"{screen.strong('run')} {run.name}  began {long_time(run.began or 0)}")
    page = Page(screen)
    for section in sections:
        section.show(page)
    return 0


def _identity(told: _Told) -> Section:
    section, run = Section("identity", "1  Identity"), told.run
    given = part(told.start, "input")
    principal = part(given, "principal")
    section.tell("session", run.session, "the runtime named no session")
    section.say("store", visible(told.index.store.id or "not known"))
    user = principal.get("user")
    if user is None and (seen := part(told.latest, "context").get("user")) is not None:
        user = f"{seen} (with the last call)"
    who = [visible(user)] if user is not None else []
    who += [f"uid {visible(principal['uid'])}"] if principal.get("uid") is not None else []
    section.tell("acts for", ", ".join(who), "the start of the run does not say")
    section.tell("started by", given.get("trigger"), _NO_TELLER)
    section.tell("parent run", given.get("parent_run"), "none was named to the guard")
    return section


def _agent(told: _Told) -> Section:
    section, run = Section("agent", "2  Agent and runtime version"), told.run
    agent, runtime = part(told.start, "agent"), part(told.start, "runtime")
    version = agent.get("version")
    section.tell("runtime", run.runtime and f"{run.runtime}{f' {version}' if version else ''}", "the run has no start")
    if run.runtime and not version:
        section.missing("version", _NO_TELLER)
    if agent.get("exe"):
        section.say("program", visible(agent["exe"]))
    agents = [(name, count) for name, count in told.index.agents(run.name) if name]
    if agents:
        section.say("agents", _counts(agents, "decision"))
    machine = [str(runtime[name]) for name in ("os", "kernel", "arch", "container", "sandbox") if runtime.get(name)]
    guard = f"armorer-guard {runtime['guard_v']}" if runtime.get("guard_v") else None
    section.tell("guard", guard and f"{guard} on {', '.join(machine)}", "the run has no start")
    return section


def _model(told: _Told) -> Section:
    section = Section("model", "3  Model, provider, configuration")
    model, config = told.configured("model"), told.configured("config")
    section.tell("model", model.get("model"), _NO_TELLER)
    section.tell("provider", model.get("provider") or model.get("base_url_host"), _NO_TELLER)
    files = [visible(found.get("path")) for found in parts(config, "files")]
    section.tell("settings", ", ".join(files) or config.get("digest"), "the guard does not read it")
    for epoch in told.epochs[::-1]:
        section.say(f"epoch {visible(epoch.get('epoch'))}", f"{visible(epoch.get('ts'))}: {_changed(epoch)}", "33")
    return section


def _changed(epoch: dict[str, Any]) -> str:
    """What differs from the epoch before, with what it is now where that is short."""
    now = {
        "model": part(epoch, "model").get("model"),
        "perms": part(epoch, "perms").get("host_mode"),
        "policy": part(epoch, "policy").get("digest"),
    }
    names = {"perms": "permission mode", "config": "settings"}
    said = [
        f"{names.get(name, name)} changed" + (f" to {visible(now[name])}" if now.get(name) else "")
        for name in map(visible, texts(epoch, "changed"))
    ]
    resumed = ["the run went on after its end"] if epoch.get("reason") == "resumed" else []
    return ", ".join(resumed + said) or visible(epoch.get("reason"))


def _tools(told: _Told) -> Section:
    section, run = Section("tools", "4  Tools and permissions"), told.run
    tools, perms = told.configured("tools"), told.configured("perms")
    _offered(section, tools)
    called = [(tool, count) for tool, count in told.index.tools(run.name) if tool]
    section.say("called", _counts(called, "time") if called else "none")
    mode = perms.get("host_mode")
    if mode is None and (seen := part(told.latest, "caller").get("host_mode")) is not None:
        mode = f"{seen} (with the last call)"
    section.tell("permission", mode, "the runtime does not report its permission mode")
    for row, record in told.lines("grant", _SHOWN_LAST):
        grant = part(record, "grant")
        section.say(
            "grant", f"{visible(grant.get('scope'))} until {visible(grant.get('expires'))}  [{short_id(row.id)}]"
        )
    return section


def _offered(section: Section, tools: dict[str, Any]) -> None:
    """What the agent could see, server by server."""
    servers = parts(tools, "servers")
    if not servers:
        section.tell("offered", tools.get("digest"), "the runtime only reports the tools that are called")
        return
    for at, server in enumerate(servers[:_MOST_SERVERS]):
        names = [visible(tool.get("name")) for tool in parts(server, "tools")]
        place = ", ".join(visible(server[name]) for name in ("transport", "url") if server.get(name))
        said = visible(server.get("name")) + (f" ({place})" if place else "")
        if names:
            more = f" and {len(names) - _MOST_TOOLS} more" if len(names) > _MOST_TOOLS else ""
            said += f": {', '.join(names[:_MOST_TOOLS])}{more}"
        section.say("offered" if at == 0 else "", said)
    if len(servers) > _MOST_SERVERS:
        section.say("", f"and {counted(len(servers) - _MOST_SERVERS, 'more server')}: `--json` lists all", "2")
    if tools.get("count") is None:
        why = "the runtime's configuration names these servers; which tools they offer it does not report"
        section.say("", f"({why})", "2")


def _inputs(told: _Told) -> Section:
    section, run = Section("inputs", "5  Inputs and context"), told.run
    given, context = part(told.start, "input"), part(told.latest, "context")
    for label, name in (("directory", "cwd"), ("workspace", "workspace")):
        value = given.get(name)
        if value is None and context.get(name) is not None:
            value = f"{context[name]} (with the last call)"
        section.tell(label, value, _NO_TELLER)
    _prompts(section, told)
    read = sum(count for tool, count in told.index.tools(run.name) if not tool)
    section.say("texts", f"{counted(read, 'text')} judged, and kept redacted" if read else "none was judged")
    for label, kind in (("labels", "label"), ("found", "finding")):
        found = told.index.features(run.name, kind)
        if found:
            section.say(label, _counts(found, "decision"), "33")
    return section


def _prompts(section: Section, told: _Told) -> None:
    """What the person said first and last, as far as the runtime brought it to the guard; redacted like everything."""
    ends = [told.said_by_a_person(oldest_first=first) for first in (True, False)]
    for label, found in zip(("prompt", "latest"), ends if ends[0] != ends[1] else ends[:1], strict=False):
        if found is not None:
            row, text = found
            more = "…" if len(text) > _PROMPT else ""
            section.say(label, f"{visible(text[:_PROMPT])}{more}  [{short_id(row.id)}]")
    if ends[0] is None:
        section.missing("prompt", "none was brought to the guard")


def _decisions(told: _Told) -> Section:
    section, run, index = Section("decisions", "6  Policy decisions"), told.run, told.index
    total = run.allowed + run.asked + run.denied
    section.say("decided", f"{total:,}: {run.allowed:,} allowed, {run.asked:,} asked, {run.denied:,} denied")
    mode = part(told.start, "policy").get("mode")
    if mode == "observe":
        section.say("mode", "observe: decided and recorded, not enforced", "33")
    for digest, count in index.policies(run.name):
        section.say("policy", f"{visible(digest or 'none could be used')} ({counted(count, 'decision')})")
    uses = index.rules(run=run.name)
    for use in uses[:_MOST]:
        ways = ((use.allowed, "allowed"), (use.asked, "asked"), (use.denied, "denied"))
        section.say("rule", f"{visible(use.rule)}: {', '.join(f'{count:,} {way}' for count, way in ways if count)}")
    if len(uses) > _MOST:
        section.say(
            "", f"and {counted(len(uses) - _MOST, 'more rule')}: `records stats --run {short_id(run.name)}`", "2"
        )
    for effect, word, colour in (("deny", "denied", "31"), ("ask", "asked", "33")):
        for row in index.find(Filters(run=run.name, effect=effect), _SHOWN_LAST):
            section.say(word, f"{summary(index.summary(row) or {})}  [{short_id(row.id)}]", colour)
    return section


def _approvals(told: _Told) -> Section:
    section, run, index = Section("approvals", "7  Approvals"), told.run, told.index
    results = told.lines("approval.result", 1_000)
    requests = told.rows("approval.request", 1_000)
    states = Counter(str(record.get("state")) for _, record in results)
    if requests or results:
        said = ", ".join(f"{count:,} {visible(state)}" for state, count in sorted(states.items()))
        section.say("asked for", f"{counted(len(requests), 'approval')}{f': {said}' if said else ', not answered'}")
    for row, record in results[:_SHOWN_LAST]:
        by = part(record, "by")
        who = visible(by.get("principal") or "nobody who is named")
        how = f" by {visible(by['auth'])}" if by.get("auth") else ""
        section.say(
            "answered", f"{visible(record.get('state'))} by {who}{how}, {short_time(row.ts)}  [{short_id(row.id)}]"
        )
    if run.asked:
        rows = index.find(Filters(run=run.name, effect="ask"))
        stopped = sum(map(was_stopped, rows))
        unknown = sum(row.enforced is None for row in rows)
        section.say(
            "questions",
            f"{counted(run.asked, 'call')} asked about: {run.asked - stopped - unknown:,} went on, {stopped:,} were "
            f"stopped, of {unknown:,} no outcome is known",
        )
        if not results:
            section.missing("answered by", "the runtime asked in its own way and does not say who answered")
    if not section.items:
        section.say("approvals", "none: nothing in this run was asked", "2")
    return section


def _changes(told: _Told) -> Section:
    section, run, index = Section("changes", "8  Changes"), told.run, told.index
    calls = sum(count for tool, count in index.tools(run.name) if tool)
    texts_judged = run.allowed + run.asked + run.denied - calls
    for name, count in sorted(index.totals(run.name).items()):
        if name == "none":
            # A text does not run, and so nothing ever ends it.
            if count > texts_judged:
                text = f"{count - texts_judged:,} of {counted(calls, 'call')}: nothing says whether they ran"
                section.say("not known", text, "33")
        else:
            section.say(name, f"{count:,}: {ENDINGS.get(name, visible(name))}", "31" if name in ODD else "")
            if name in ODD:
                for row in index.find(Filters(run=run.name, outcome=name), _SHOWN_LAST):
                    if row.kind == "decision":
                        section.say("", f"{summary(index.summary(row) or {})}  [{short_id(row.id)}]")
    orphans = index.find(Filters(record_kind="outcome", run=run.name, outcome="bypassed"), 1_000)
    if orphans:
        section.say("bypassed", f"{counted(len(orphans), 'call')} ran that nobody had decided", "31")
    kinds = [(kind, count) for kind, count in index.features(run.name, "action") if not kind.endswith(_READS)]
    if kinds:
        section.say("understood", f"the calls, if they ran, would do: {_counts(kinds[:_MOST], 'decision')}")
    _stated(section, part(told.stop, "summary"))
    effects = _observed(told)
    section.tell("observed", "; ".join(effects), "nobody looked at files, network or processes, only at the calls")
    return section


def _stated(section: Section, summed: dict[str, Any]) -> None:
    """What the end of the run says to have changed."""
    files = part(summed, "files")
    if files:
        named = ", ".join(f"{visible(count)} {visible(name)}" for name, count in files.items())
        section.say("files", f"{named} (as understood from the calls)")
    for label in ("hosts", "commits"):
        if found := texts(summed, label):
            section.say(
                label, ", ".join(found[:_MOST]) + (f" and {len(found) - _MOST} more" if len(found) > _MOST else "")
            )


def _observed(told: _Told) -> list[str]:
    found = []
    for _, record in told.outcomes:
        for effect in parts(record, "effects"):
            what = " ".join(visible(effect[name]) for name in ("op", "path", "repo", "host", "ref") if effect.get(name))
            found.append(f"{visible(effect.get('type'))} {what}".strip())
    more = [f"and {counted(len(found) - _MOST, 'more change')}"] if len(found) > _MOST else []
    return found[:_MOST] + more


def _stopped(told: _Told) -> Section:
    section, run = Section("stop", "9  Stop and recovery"), told.run
    stop = part(told.stop, "stop")
    if told.stop is None or told.stop_row is None:
        section.missing(
            "stopped", f"no end of the run was reported; its last record was written {long_time(run.last or 0)}"
        )
    else:
        by = f" by {visible(stop['by'])}" if stop.get("by") else ""
        reason = f": {visible(stop['reason'])}" if stop.get("reason") else ""
        section.say("stopped", f"{visible(stop.get('state'))}{by}, {long_time(told.stop_row.ts)}{reason}")
        flying = texts(stop, "in_flight")
        named = f": {', '.join(short_id(each) for each in flying[:_MOST])}" if flying else ""
        may = ", may have run or not" if flying else ""
        section.say("in flight", f"{counted(len(flying), 'call')}{named}{may}", "33" if flying else "")
        resume = stop.get("resume_cmd") or stop.get("resumable")
        section.tell("resume", _RESUMABLE.get(str(resume), resume), _NO_TELLER)
        if run.last and run.last > told.stop_row.ts:
            section.say("", "records follow the stop: the run went on", "33")
    for kind, what in (("recovery", "the log was mended"), ("gap", "records were missed")):
        rows = told.rows(kind, 1_000)
        if rows:
            section.say(kind, f"{what} {counted(len(rows), 'time')}, last {long_time(rows[0].ts)}", "33")
    for gap in _gaps_in(told):
        times = f"{visible(gap.get('since'))} to {visible(gap.get('until'))}"
        section.say("gap", f"{gap_in_words(gap)}; of this run or another, {times}", "33")
    if run.broken:
        section.say("broken", f"{counted(run.broken, 'line')} of the log are no records: see `records verify`", "31")
    return section


def _gaps_in(told: _Told) -> list[dict[str, Any]]:
    """What could not be recorded while the run went on. Only the journal has it: the run's own log was not written."""
    began, last = told.run.began or 0, told.run.last or 0
    return [
        gap
        for gap in told.index.store.unrecorded()
        if micros(gap.get("until")) >= began and micros(gap.get("since")) <= last
    ][-_SHOWN_LAST:]


def _evidence(told: _Told) -> Section:
    section, run, index = Section("evidence", "Evidence"), told.run, told.index
    section.copyable("store", index.store.root.absolute())
    section.say("log", f"{index.store.name(run.name)} ({counted(run.lines, 'record')}), journal.jsonl")
    kept = [digest for digest, _ in index.policies(run.name) if index.store.object(digest or "") is not None]
    if kept:
        section.say(
            "policy", f"{counted(len(kept), 'policy', 'policies')} in objects/, so that decisions can be replayed"
        )
    for _, record in told.outcomes:
        for link in parts(record, "links")[:_MOST]:
            section.say("link", f"{visible(link.get('rel'))}: {visible(link.get('url') or link.get('digest'))}")
    name = short_id(run.name)
    section.copyable("check", f"armorer-guard records verify {name}")
    section.copyable("list", f"armorer-guard records list --run {name}")
    section.copyable("replay", f"armorer-guard replay {run.name}")
    try:
        held = index.store.path(run.name).stat().st_size
        section.say("size", size(held))
    except OSError:
        section.missing("size", "the log is gone")
    for number, gap in enumerate(told.gaps or ["what this record cannot see is not recorded"]):
        section.say("not seen" if number == 0 else "", gap, "2")
    return section


def _counts(found: list[Any], noun: str) -> str:
    """Names and how often, the most frequent first."""
    told = [counted(count, noun) if at == 0 else f"{count:,}" for at, (_, count) in enumerate(found[:_MOST])]
    shown = ", ".join(f"{visible(name)} ({said})" for (name, _), said in zip(found, told, strict=False))
    return shown + (f" and {len(found) - _MOST} more" if len(found) > _MOST else "")
