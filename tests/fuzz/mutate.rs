//! A small deterministic mutator: cuts, copies, splices, flips, and inserts what parsers stumble over.

/// Bytes that end, open or escape something in one of the grammars.
const TOKENS: [&[u8]; 40] = [
    b"$(",
    b"${",
    b"`",
    b"<<EOF\n",
    b"<<-'X'\n",
    b"<(",
    b"((",
    b"))",
    b"[[ ",
    b"'",
    b"\"",
    b"\\",
    b"\\\n",
    b"$'\\x",
    b"\r\n",
    b"\n",
    b";;",
    b"|&",
    b"&>",
    b"{a,b}",
    b"case x in ",
    b"esac",
    b"do ",
    b"done",
    b"fi",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\x8d",
    b"\xf3\xa0\x81\x81",
    b"\\ud800",
    b"{\"a\":",
    b"[",
    b"]}",
    b"1e999",
    b"NaN",
    b"-----BEGIN ",
    b"password=",
    b"://u:p@",
    b"eyJ",
];

pub struct Mutator {
    state: u64,
}

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn below(&mut self, limit: usize) -> usize {
        // xorshift64*: long period, no dependency, the same everywhere.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let drawn = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap() % limit.max(1)
    }

    /// A new input made from the seeds.
    pub fn next(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(6) {
            self.change(&mut input, seeds);
        }
        input.truncate(16_384);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = (at + 1 + self.below(24)).min(input.len());
        match self.below(8) {
            0 => drop(input.drain(at.min(end)..end)),
            1 => input.truncate(at),
            2 => {
                let piece = input[at.min(end)..end].repeat(1 + self.below(40));
                drop(input.splice(at..at, piece));
            }
            3 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                let to = (from + self.below(64)).min(other.len());
                drop(input.splice(at..at, other[from..to].iter().copied()));
            }
            4 if at < input.len() => input[at] ^= 1 << self.below(8),
            5 if at < input.len() => input[at] = u8::try_from(self.below(256)).unwrap(),
            _ => {
                let token = TOKENS[self.below(TOKENS.len())].repeat(1 + self.below(3));
                drop(input.splice(at..at, token));
            }
        }
    }
}
