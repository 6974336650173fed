//! Texts that are nearly right: pieces of a corpus, cut, doubled, swapped and nested.

/// Makes one text for each seed.
pub(super) struct Mutator {
    texts: Vec<Vec<char>>,
}

/// Pieces that mean something to one of the readers.
const PIECES: [&str; 48] = [
    "'",
    "\"",
    "`",
    "[",
    "]",
    "(",
    ")",
    ",",
    ";",
    "--",
    "/*",
    "*/",
    "/*!50100 ",
    "$$",
    "$a$",
    "\\",
    "\n",
    "\nGO\n",
    "DELIMITER //\n",
    "{",
    "}",
    ": ",
    "- ",
    "#",
    "~",
    "N'",
    "E'",
    "x'",
    "\0",
    "\u{feff}",
    "ü",
    "\u{10ffff}",
    "CREATE TABLE ",
    "CREATE SCHEMA a ",
    "ALTER TABLE t ADD ",
    "CONSTRAINT ",
    "PRIMARY KEY ",
    "UNIQUE ",
    "DEFAULT ",
    "GENERATED ALWAYS AS (",
    "INHERITS (",
    "LIKE ",
    "COPY t FROM stdin;\n",
    "\\.\n",
    "NEXT VALUE FOR ",
    "WITH ",
    "-1",
    "1e999",
];

impl Mutator {
    pub(super) fn new(texts: Vec<String>) -> Self {
        Self { texts: texts.iter().map(|text| text.chars().collect()).collect() }
    }

    /// The text of a seed.
    pub(super) fn text(&self, seed: u64) -> String {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut text = self.texts[random.below(self.texts.len())].clone();
        for _ in 0..=random.below(8) {
            self.mutate(&mut text, &mut random);
        }
        text.into_iter().collect()
    }

    fn mutate(&self, text: &mut Vec<char>, random: &mut Random) {
        let (from, to) = random.range(text.len());
        match random.below(8) {
            0 => drop(text.drain(from..to)),
            1 => text.truncate(from),
            2 => {
                let piece = text[from..to.min(from + 40)].to_vec();
                let times = 1 + random.below(60);
                let at = random.below(text.len() + 1);
                text.splice(at..at, piece.repeat(times));
            }
            3 => {
                let other = &self.texts[random.below(self.texts.len())];
                let (start, end) = random.range(other.len());
                text.splice(from..to, other[start..end].iter().copied());
            }
            4 if from < text.len() => {
                let letter = char::from_u32(u32::try_from(random.below(0x250)).unwrap_or(0));
                text[from] = letter.unwrap_or('?');
            }
            5 => {
                let piece: Vec<char> = PIECES[random.below(PIECES.len())].chars().collect();
                let times = if random.below(10) == 0 { random.below(300) } else { 1 };
                text.splice(from..from, piece.repeat(times));
            }
            _ => {
                let piece = PIECES[random.below(PIECES.len())];
                text.splice(from..to.min(from + 6), piece.chars());
            }
        }
    }
}

/// Xorshift: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }

    /// Two places of a text of this length, the smaller one first.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let (one, two) = (self.below(length + 1), self.below(length + 1));
        (one.min(two), one.max(two))
    }
}
