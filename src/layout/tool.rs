//! The migration tools whose files can be written.

use std::fmt;

use crate::dialect::Brand;

/// How the SQL lies on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `NNN_name.sql`, rewritten whenever it changes; what `outrigger apply` would run.
    Plain,
    /// Flyway.
    Flyway,
    /// Liquibase, as formatted SQL.
    Liquibase,
    /// sqlx, reversible.
    Sqlx,
    /// dbmate.
    Dbmate,
    /// goose.
    Goose,
    /// golang-migrate.
    GolangMigrate,
    /// Sqitch.
    Sqitch,
    /// Atlas.
    Atlas,
    /// The brand's own client: `psql`, `sqlite3`, `mysql`, `sqlcmd`.
    Native,
}

impl Layout {
    /// Every layout, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Plain,
        Self::Flyway,
        Self::Liquibase,
        Self::Sqlx,
        Self::Dbmate,
        Self::Goose,
        Self::GolangMigrate,
        Self::Sqitch,
        Self::Atlas,
        Self::Native,
    ];

    /// What `--layout` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Flyway => "flyway",
            Self::Liquibase => "liquibase",
            Self::Sqlx => "sqlx",
            Self::Dbmate => "dbmate",
            Self::Goose => "goose",
            Self::GolangMigrate => "golang-migrate",
            Self::Sqitch => "sqitch",
            Self::Atlas => "atlas",
            Self::Native => "native",
        }
    }

    /// The layout of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }

    /// What the tool calls a brand; `None` where it cannot run the brand's files.
    #[must_use]
    pub fn tool_name(self, brand: Brand) -> Option<&'static str> {
        let tools = &brand.dialect().tools;
        let name = match self {
            Self::Plain | Self::Native => brand.name(),
            Self::Flyway => &tools.flyway,
            Self::Liquibase => &tools.liquibase,
            Self::Sqlx => &tools.sqlx,
            Self::Dbmate => &tools.dbmate,
            Self::Goose => &tools.goose,
            Self::GolangMigrate => &tools.golang_migrate,
            Self::Sqitch => &tools.sqitch,
            Self::Atlas => &tools.atlas,
        };
        Some(name).filter(|name| !name.is_empty())
    }

    /// The layouts that exist for a brand.
    #[must_use]
    pub fn names_for(brand: Brand) -> Vec<&'static str> {
        let is_there = |layout: &Self| layout.tool_name(brand).is_some();
        Self::ALL.into_iter().filter(is_there).map(Self::name).collect()
    }

    /// Beginnings of lines that the tool reads as its own, letter case and blanks aside.
    pub(super) fn reserved_lines(self) -> &'static [&'static str] {
        match self {
            Self::Plain
            | Self::Flyway
            | Self::Sqlx
            | Self::GolangMigrate
            | Self::Sqitch
            | Self::Native => &[],
            Self::Dbmate => &["--migrate:"],
            Self::Goose => &["--+goose"],
            Self::Atlas => &["--atlas:"],
            Self::Liquibase => &[
                "--liquibase",
                "--changeset",
                "--rollback",
                "--precondition",
                "--property",
                "--comment",
                "--ignorelines",
                "--validchecksum",
                "/*liquibase",
            ],
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
