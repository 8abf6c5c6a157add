//! Octets read from the front, each length checked.

/// What is left to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Octets<'a>(pub &'a [u8]);

impl<'a> Octets<'a> {
    /// Nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `n` octets.
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(front)
    }

    /// A number of one octet.
    pub fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number of two octets.
    pub fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.array()?))
    }

    /// A number of three octets.
    pub fn u24(&mut self) -> Option<u32> {
        let [a, b, c] = self.array()?;
        Some(u32::from_be_bytes([0, a, b, c]))
    }

    /// The next `N` octets.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    /// A vector whose length has one octet.
    pub fn vector8(&mut self) -> Option<Octets<'a>> {
        let len = self.u8()?;
        Some(Octets(self.take(usize::from(len))?))
    }

    /// A vector whose length has two octets.
    pub fn vector16(&mut self) -> Option<Octets<'a>> {
        let len = self.u16()?;
        Some(Octets(self.take(usize::from(len))?))
    }

    /// A vector whose length has three octets.
    pub fn vector24(&mut self) -> Option<Octets<'a>> {
        let len = self.u24()?;
        Some(Octets(self.take(len as usize)?))
    }

    /// Numbers of two octets to the end.
    pub fn u16s(mut self) -> impl Iterator<Item = u16> {
        std::iter::from_fn(move || self.u16())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_end_reads_nothing() {
        let mut octets = Octets(&[2, 7, 8, 0, 3, 9, 9]);
        assert_eq!(octets.vector8(), Some(Octets(&[7, 8])));
        assert_eq!(octets.vector16(), None);
        assert_eq!(octets.u24(), None, "the length was read");
    }
}
