//! The command `outrigger`.

fn main() -> std::process::ExitCode {
    outrigger::cli::main()
}
