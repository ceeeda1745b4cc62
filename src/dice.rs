//! Numbers for tests that look random and are the same each time.

/// A linear congruential generator (Knuth, MMIX).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `limit`; 0 where that is 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit.max(1)
    }
}
