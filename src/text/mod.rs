//! Views of a text with spans mapped back to the original.
