//! What a database looks at only at the commit, found out before it where a commit was refused.

use super::Error;
use super::batch::Importer;
use crate::db::Session;
use crate::outbox::execute;

impl Importer {
    /// Lets the database check what it would check at the commit, while a refusal still leaves
    /// something to go back to. Nearly always nothing is deferred, so that it is asked only once a
    /// commit was refused; in a dry run, which has no commit, always.
    pub(super) async fn check_deferred(&self, session: &mut dyn Session) -> Result<(), Error> {
        if self.doubts_commits || self.is_rehearsing() {
            for statement in &self.statements.check_deferred {
                execute(session, statement, &[]).await?;
            }
        }
        Ok(())
    }

    /// Commits an import. What was refused was deferred, and is looked for from now on.
    pub(super) async fn commit(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        let done = session.commit().await.map_err(Error::from);
        if done.as_ref().is_err_and(Error::is_about_a_row) {
            self.doubts_commits = true;
        }
        done
    }
}
