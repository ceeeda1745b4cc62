"""
Policies that people can write, test and trust.

`model` is the language, `compiler` makes its compiled form, `evaluate` says in plain Python what a decision is,
`examples` runs what policies promise about themselves, `activation` puts one in force. The core decides on the compiled
form; pydantic and YAML are imported here and never on the way of a call.

Importing this package imports none of its modules.
"""
