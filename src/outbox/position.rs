//! Where a program goes on, as its row of `ds_program_parameter` says; and what is no such place.

use super::Cursor;
use crate::model::Row;

/// Why a program does not go on from where its row says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misplaced {
    /// A person moved the pointer past what was dealt with.
    #[error(
        "`fromoutboxpointer` is {pointer}, but it has come to {reached} only: what lies between \
         would never be carried; 0 to {reached} is allowed"
    )]
    Forward {
        /// Where the pointer is.
        pointer: i64,
        /// Where the program had come to.
        reached: i64,
    },
    /// The pointer is below the beginning.
    #[error("`fromoutboxpointer` is {pointer}; 0 is the beginning")]
    Negative {
        /// Where the pointer is.
        pointer: i64,
    },
    /// The pointer is no number.
    #[error("`fromoutboxpointer` is not a whole number")]
    NoNumber,
    /// The state is gone, and so is what the pointer could be measured by.
    #[error(
        "`cursor_state` is NULL, so that nothing says whether it has come to \
         `fromoutboxpointer` {pointer}; without a state 0 is allowed"
    )]
    NoState {
        /// Where the pointer is.
        pointer: i64,
    },
    /// The state is not ours.
    #[error("`cursor_state` is not what Outrigger wrote")]
    UnreadableState,
}

impl Cursor {
    /// The cursor of a row of `ds_program_parameter`.
    ///
    /// # Errors
    /// When the program cannot go on from there without leaving something out.
    pub fn of_program(row: &Row) -> Result<Self, Misplaced> {
        let pointer = row.integer("fromoutboxpointer").ok_or(Misplaced::NoNumber)?;
        Self::read(pointer, row.text("cursor_state").as_deref())
    }

    /// The cursor of a program's pointer and state. Where the pointer is below what the state says,
    /// a person set it back: then everything above it is carried again, and the inbox tells what
    /// it has already. Of what is below it, only what was missing is still looked for. What is
    /// known of the source stays: who rewinds has not restored it.
    ///
    /// # Errors
    /// When the program cannot go on from there without leaving something out.
    pub fn read(pointer: i64, state: Option<&str>) -> Result<Self, Misplaced> {
        if pointer < 0 {
            return Err(Misplaced::Negative { pointer });
        }
        let Some(state) = state else {
            let fresh = (pointer == 0).then(Self::default);
            return fresh.ok_or(Misplaced::NoState { pointer });
        };
        let known = serde_json::from_str(state).ok().filter(Self::is_sound);
        let known: Self = known.ok_or(Misplaced::UnreadableState)?;
        match known.pointer {
            reached if reached < pointer => Err(Misplaced::Forward { pointer, reached }),
            reached if reached > pointer => Ok(known.set_back(pointer)),
            _ => Ok(known),
        }
    }

    /// Whether it can be the state of a program.
    fn is_sound(&self) -> bool {
        let bounds = self.gaps.first().zip(self.gaps.last());
        self.pointer >= 0
            && bounds.is_none_or(|(first, last)| first > 0 && last <= self.pointer)
            && self.forwards.values().all(|id| *id >= 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_goes_back_and_never_forward() {
        let state = Cursor { pointer: 9, ..Cursor::default() }.state();
        let read = |pointer| Cursor::read(pointer, Some(&state));
        assert_eq!(read(9).map(|cursor| cursor.pointer), Ok(9));
        assert_eq!(read(0).map(|cursor| cursor.pointer), Ok(0));
        assert_eq!(read(10), Err(Misplaced::Forward { pointer: 10, reached: 9 }));
        assert_eq!(read(-1), Err(Misplaced::Negative { pointer: -1 }));
    }

    #[test]
    fn without_a_state_only_the_beginning_is_known() {
        assert_eq!(Cursor::read(0, None), Ok(Cursor::default()));
        assert_eq!(Cursor::read(7, None), Err(Misplaced::NoState { pointer: 7 }));
    }

    #[test]
    fn a_state_that_nobody_here_wrote_is_refused() {
        for state in [
            "",
            "garbage",
            "[]",
            "{}",
            r#"{"pointer":"5"}"#,
            r#"{"pointer":5,"more":1}"#,
            r#"{"pointer":-5}"#,
            r#"{"pointer":5,"gaps":[7]}"#,
            r#"{"pointer":5,"gaps":[-7]}"#,
            r#"{"pointer":5,"forwards":{"1000":-1}}"#,
        ] {
            assert_eq!(Cursor::read(5, Some(state)), Err(Misplaced::UnreadableState), "{state}");
        }
        let empty = Row::new(["id".to_owned()].into(), vec![1.into()]);
        assert_eq!(Cursor::of_program(&empty), Err(Misplaced::NoNumber));
    }
}
