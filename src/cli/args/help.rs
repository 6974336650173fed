//! The end of each long help: examples.

pub(super) const OUTRIGGER: &str = "\
EXAMPLES
  See it work, with nothing to configure:
    outrigger demo

  From a schema to the first exchange:
    outrigger init --from schema.sql
    outrigger check
    outrigger generate
    outrigger apply --node server1
    outrigger apply --node server2
    outrigger run --every 5s

EXIT CODES
  0  fine
  1  findings, differences or quarantined changes
  2  usage, configuration or runtime error";

pub(super) const INIT: &str = "\
EXAMPLES
  From the file that creates the application's tables:
    outrigger init --from schema.sql

  From a folder of them, the dialect given:
    outrigger init --from db/schema --dialect mysql

  From a live database:
    outrigger init --from postgres://app@localhost/testapp";

pub(super) const CHECK: &str = "\
EXAMPLES
  Before generating; exits with 1 when there is an error or a warning:
    outrigger check

  Settings and rights of running servers as well:
    outrigger check --node server1 --node server3

  In a pipeline, with a finding that has been looked at:
    outrigger check --format sarif --allow auto-increment-key > findings.sarif

  How each node numbers keys that no other node gives:
    outrigger check --format sql

  A finding that may stand goes under `findings:` of the configuration, with a reason.

  docs/findings.md describes every id.";

pub(super) const GENERATE: &str = "\
EXAMPLES
  Write sql/<dialect>/ for the dialects of all nodes:
    outrigger generate

  One dialect, into the folder of a migration tool:
    outrigger generate --dialect postgres --out db/migrations

  Migrations for goose, above those that are there; a changed trigger becomes a new one:
    outrigger generate --layout goose --out db/migrations

  In a pipeline: fail when the files are not what would be written:
    outrigger generate --check

  docs/layouts.md shows every layout with its tool.";

pub(super) const REVIEW: &str = "\
EXAMPLES
  A page to open, mail or print; it needs no network:
    outrigger review --out review.html

  For a pull request, with what differs on a node:
    outrigger review --out review.md --node server1";

pub(super) const DIFF: &str = "\
EXAMPLES
  What a new schema means, on all dialects of the nodes:
    outrigger diff schema.sql schema-next.sql

  From what runs to what shall run, as two files to run around the team's own migration:
    outrigger diff node:server1 schema-next.sql --out next

  From what was generated last; a column that only got another name:
    outrigger diff sql schema.sql --renamed customer.mail=email

  docs/evolution.md describes the order, and how nodes of two versions keep working.";

pub(super) const TRANSLATE: &str = "\
EXAMPLES
  The tables for a new node of another brand:
    outrigger translate --to sqlite --out tables.sql

  All that were read, followed or not:
    outrigger translate --to sqlserver --all

  docs/translate.md describes what is carried and each finding.";

pub(super) const APPLY: &str = "\
EXAMPLES
  Read every statement first:
    outrigger apply --node server1 --dry-run

  Install; a second time does nothing:
    outrigger apply --node server1";

pub(super) const VERIFY: &str = "\
EXAMPLES
  Missing, changed or disabled triggers, changed tables; exits with 1 when there are any:
    outrigger verify --node server1

  The same for a program:
    outrigger verify --node server1 --format json";

pub(super) const PROBE: &str = "\
EXAMPLES
  Insert, upsert, cascade, TRUNCATE and others, on tables of the probe's own:
    outrigger probe --node server1

  For a program:
    outrigger probe --node server1 --format json

  docs/coverage.md says what each brand captures.";

pub(super) const REMOVE: &str = "\
EXAMPLES
  See what would go:
    outrigger remove --node server1 --dry-run

  Remove it without being asked:
    outrigger remove --node server1 --yes";

pub(super) const TRANSPORT: &str = "\
EXAMPLES
  All routes, once:
    outrigger transport

  Two of them:
    outrigger transport 1000 1002";

pub(super) const IMPORT: &str = "\
EXAMPLES
  All nodes, once:
    outrigger import

  One of them:
    outrigger import server2

  What would be done, in numbers, or change by change with the reasons:
    outrigger import --dry-run
    outrigger import server2 --dry-run --explain

  docs/explain.md reads such an explanation line by line.";

pub(super) const RUN: &str = "\
EXAMPLES
  Until Ctrl-C or SIGTERM, which let the batch in hand finish:
    outrigger run --every 5s

  Three iterations, from a scheduler:
    outrigger run --every 1s --iterations 3";

pub(super) const STATUS: &str = "\
EXAMPLES
  Cursor, watermark, lag and quarantine of each route:
    outrigger status

  Again and again:
    outrigger status --watch

  For a monitor:
    outrigger status --format json";

pub(super) const QUARANTINE: &str = "\
EXAMPLES
  What waits, and why:
    outrigger quarantine list

  One change with its values:
    outrigger quarantine show 42 --node server2

  After the reason is gone:
    outrigger quarantine retry --all --node server2

  Give one up:
    outrigger quarantine drop 42 --node server2";

pub(super) const CONFLICTS: &str = "\
EXAMPLES
  What was lost, the newest first:
    outrigger conflicts list

  Both versions of one, and why one of them stands:
    outrigger conflicts show 7 --node server2

  After they were looked at:
    outrigger conflicts drop --up-to 7 --node server2";

pub(super) const PURGE: &str = "\
EXAMPLES
  What would go, and what holds the rest back:
    outrigger purge --dry-run

  One node, from a scheduler:
    outrigger purge server1

  After route 1004 was taken out of the configuration for good:
    outrigger purge --forget 1004

  A laptop that was away for too long was filled anew:
    outrigger purge --admit 1004

  docs/purge.md says what is deleted when.";

pub(super) const REJOIN: &str = "\
EXAMPLES
  What would be done, and why:
    outrigger rejoin --node server2 --dry-run

  Do it, and let the changes flow again:
    outrigger rejoin --node server2
    outrigger transport
    outrigger import

  While a node is away for long:
    outrigger rejoin --node server2 --without laptop7

  docs/restore.md tells the whole story.";

pub(super) const DEMO: &str = "\
EXAMPLES
  Two SQLite databases, created and removed again:
    outrigger demo

  A hub and two others, kept to play with:
    outrigger demo --nodes 3 --keep demo
    outrigger -c demo/outrigger.yaml status

  Between databases of your own:
    outrigger demo --node postgres://app@localhost/a --node mysql://app@localhost/b";

pub(super) const COMPLETIONS: &str = "\
EXAMPLES
  For bash, in this session:
    source <(outrigger completions bash)

  For fish, for good:
    outrigger completions fish > ~/.config/fish/completions/outrigger.fish";
