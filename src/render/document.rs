//! Documents for people, from templates of no brand.

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera};

use super::Error;
use super::templates::text_of;

/// What a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A page that needs no other file. Whatever is filled in is escaped.
    Html,
    /// `CommonMark` with tables. Whatever is filled in goes through the filter `md`.
    Markdown,
}

impl Form {
    fn ending(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Markdown => "md",
        }
    }
}

/// A filled document template: `review/report`.
///
/// # Errors
/// When there is no such template, or it asks for something that `context` does not have.
pub fn document(name: &str, form: Form, context: &impl Serialize) -> Result<String, Error> {
    let path = format!("{name}.{}", form.ending());
    let broken = |source| Error::Document { name: path.clone(), source: Box::new(source) };
    let text = text_of(&format!("{path}.tera")).unwrap_or_default();
    let mut tera = Tera::default();
    tera.autoescape_on(vec![".html"]);
    tera.register_filter("md", |text: &str, _: Kwargs, _: &State| markdown(text));
    tera.add_raw_template(&path, text).map_err(broken)?;
    let context = Context::from_serialize(context).map_err(broken)?;
    tera.render(&path, &context).map_err(broken)
}

/// A text in which Markdown, and the HTML that Markdown lets through, see letters only.
fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            letter if letter.is_control() => escaped.push(' '),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '|' | '~' | '!' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn markdown_sees_letters_only() {
        assert_eq!(markdown("a_b|c\n`<img src=x>`"), "a\\_b\\|c \\`&lt;img src=x&gt;\\`");
        assert_eq!(markdown("[x](javascript:1)"), "\\[x\\]\\(javascript:1\\)");
    }
}
