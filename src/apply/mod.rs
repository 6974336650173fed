//! Installs scripts on a node, detects drift, removes them.
/// temporary
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Fault(#[from] crate::db::Fault),
    #[error(transparent)]
    Render(#[from] crate::render::Error),
}
/// temporary
pub async fn inspect(
    session: &mut dyn crate::db::Session,
    templates: &crate::render::Templates,
) -> Result<crate::model::Schema, Error> {
    let mut answers = Vec::new();
    for name in ["columns", "keys", "foreign_keys"] {
        let statement = templates.statement(
            &format!("introspect/{name}"),
            &std::collections::BTreeMap::<String, String>::new(),
        )?;
        answers.push(session.fetch(&statement.sql, &[]).await?);
    }
    Ok(crate::schema::understand(session.brand(), &answers[0], &answers[1], &answers[2]))
}
