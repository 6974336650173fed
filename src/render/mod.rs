//! A plan becomes SQL scripts, from the templates; the only room that names tera.
