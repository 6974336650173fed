//! Of which brand a text is: every schema of this repository, as what it is and as what it is not.

use std::path::{Path, PathBuf};

use outrigger::dialect::Brand;
use outrigger::schema::{Sign, Source, doubt, likely, parse};

/// Every DDL file of the repository with the brand that it is for.
fn files() -> Vec<(PathBuf, Brand)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for brand in Brand::ALL {
        for name in ["dump.sql", "live.sql"] {
            found.push((root.join("tests/cases_ddl").join(brand.name()).join(name), brand));
        }
        for folder in ["tests/fuzz/ddl", "tests/translate"] {
            found.push((root.join(folder).join(format!("{brand}.sql")), brand));
        }
    }
    for folder in ["tests/cases", "examples"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("the folder is there") {
            let folder = entry.expect("an entry").path();
            let config =
                std::fs::read_to_string(folder.join("outrigger.yaml")).expect("a configuration");
            let schema = config.split("\nschema:").nth(1).expect("a schema");
            let named = schema.split_once("dialect: ").expect("a dialect").1;
            let name: String =
                named.chars().take_while(|letter| letter.is_alphanumeric()).collect();
            let brand = Brand::from_name(&name).expect("a known dialect");
            found.push((folder.join("schema.sql"), brand));
        }
    }
    found.retain(|(path, _)| path.exists());
    assert!(found.len() > 30, "{found:?}");
    found
}

fn doubted(path: &Path, text: &str, given: Brand) -> Option<Sign> {
    let path = path.display().to_string();
    let sources = [Source { path: &path, text }];
    doubt(&sources, given, &parse(&sources, given))
}

#[test]
fn no_schema_is_doubted_as_what_it_is() {
    for (path, brand) in files() {
        let text = std::fs::read_to_string(&path).expect("it is read");
        assert_eq!(doubted(&path, &text, brand), None, "{}", path.display());
    }
}

#[test]
fn a_dump_is_known_and_doubted_as_anything_else() {
    let mut seen = 0;
    for (path, brand) in files() {
        let is_dump = path
            .parent()
            .is_some_and(|folder| folder.ends_with(Path::new("cases_ddl").join(brand.name())));
        if !is_dump {
            continue;
        }
        seen += 1;
        let text = std::fs::read_to_string(&path).expect("it is read");
        let shown = path.display().to_string();
        assert_eq!(likely(&[Source { path: &shown, text: &text }]), Some(brand), "{shown}");
        for given in Brand::ALL.into_iter().filter(|given| *given != brand) {
            let sign = doubted(&path, &text, given);
            let sign = sign.unwrap_or_else(|| panic!("{shown} passes as {given}"));
            assert_eq!(sign.brand, brand, "{shown} as {given}: {sign:?}");
            let line = text.lines().nth(usize::try_from(sign.location.line).unwrap() - 1).unwrap();
            let place: String =
                line.chars().skip(usize::try_from(sign.location.column).unwrap() - 1).collect();
            let first = sign.seen.split(' ').next().unwrap();
            assert!(place.starts_with(first), "{shown} as {given}: {sign:?} in {line}");
        }
    }
    assert_eq!(seen, 7);
}
