//! Builds anew when a template changes: the macro that embeds the folder cannot say so itself.

fn main() {
    println!("cargo::rerun-if-changed=templates");
}
