//! Statements of the runner in words that the model understands.
//!
//! The importer and the transport are the crate's own, as they are. Only what they say to a
//! database is replaced: each `run` template by its name, what it is about, and its parameters.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use outrigger::dialect::Brand;
use outrigger::render::Templates;

use crate::history::can_defer;

/// Name and text of every statement that has parameters or a subject.
const TEXTS: [(&str, &str); 46] = [
    ("list_unimported", "list_unimported :{id} :{last_id}"),
    ("list_earlier", "list_earlier {{ page_rows }} :{route_id} :{pointer} :{last_id}"),
    ("list_arrivals", "list_arrivals :{inbox}"),
    ("list_inbox", "list_inbox {{ page_rows }} :{route_id} :{last_id}"),
    ("read_inbox", "read_inbox :{route_id} :{last_id} :{to_id}"),
    ("read_inbox_row", "read_inbox_row :{inbox_id}"),
    ("lock_program", "lock_program :{id}"),
    ("read_program", "read_program :{id}"),
    ("write_inbox", "write_inbox :{route_id} :{rows}"),
    ("load_inbox", ""),
    ("load_versions", ""),
    ("advance_cursor", "advance_cursor :{id} :{pointer} :{cursor_state}"),
    (
        "window_open",
        "window_mark {{ is_fold }} :{pointer} :{watermark}\n-- next --\n\
         window_fill {{ is_fold }} :{pointer} :{watermark} :{new_watermark} :{carried_to} :{rows}",
    ),
    (
        "window_fetch",
        "window_fetch {{ is_fold }} {{ page_rows }} :{pointer} :{gap_ids} :{gaps} :{last_id}",
    ),
    ("window_read", "window_read :{ids}"),
    ("read_writers", "read_writers"),
    ("read_written", "read_written :{gap_ids} :{gaps}"),
    ("window_close", "window_close"),
    ("enter_import", "enter_import :{origin}"),
    ("read_versions", "read_versions :{rows}"),
    ("write_versions", "write_versions :{rows}"),
    ("raise_floor", "raise_floor :{stamp_floor}"),
    ("write_fold_cursor", "write_fold_cursor :{fold_cursor}"),
    ("read_quarantined", "read_quarantined"),
    (
        "write_quarantine",
        "write_quarantine :{inbox_id} :{route_id} :{object_table} :{object_id} :{reason_code} :{reason} :{waits_for}",
    ),
    ("leave_quarantine", "leave_quarantine :{inbox_id}"),
    ("read_retries", "read_retries :{route_id}"),
    ("write_conflicts", "write_conflicts :{rows}"),
    (
        "write_own_change",
        "write_own_change :{object_table} :{object_id} :{object_operation} :{object_attribute} \
         :{object_value} :{object_value_old} :{update_datetime} :{object_context} :{note1}",
    ),
    ("lock_rows", "lock_rows {{ table.name }} :{rows}"),
    (
        "insert_rows",
        "insert_rows {{ table.name }} {% for c in columns %}{{ c.name }},{% endfor %} :{rows}",
    ),
    (
        "update_rows",
        "update_rows {{ table.name }} {% for c in columns %}{{ c.name }},{% endfor %} :{rows}",
    ),
    ("delete_rows", "delete_rows {{ table.name }} :{rows}"),
    (
        "read_cells",
        "read_cells {{ table.name }} {% for c in columns %}{{ c.name }},{% endfor %} {% for k in keys %}{{ k.name }},{% endfor %} :{rows}",
    ),
    ("identify", "identify"),
    ("read_epoch", "read_epoch :{route_id}"),
    ("raise_exchange", "raise_exchange :{route_id} :{epoch} :{step} :{carried_id}"),
    ("mark_stale", "mark_stale :{route_id} :{epoch}"),
    ("read_seen", "read_seen :{node_id}"),
    ("read_outbox", "read_outbox {{ page_rows }} :{last_id}"),
    ("read_origin", "read_origin {{ page_rows }} :{node_id} :{last_id}"),
    ("raise_outbox_id", "raise_outbox_id :{last_id}"),
    ("move_outbox", "move_outbox :{ids} :{offset}"),
    ("move_versions", "move_versions :{node_id} :{ids} :{offset}"),
    ("write_outbox", "write_outbox :{rows}"),
    ("write_epoch", "write_epoch :{epoch} :{first_id} :{settled_id}"),
];

/// A brand's templates with the model's statements, parsed once for all programs.
pub(crate) fn templates(brand: Brand) -> Arc<Templates> {
    type Made = BTreeMap<Brand, Arc<Templates>>;
    static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
    MADE.lock().unwrap().entry(brand).or_insert_with(|| Arc::new(parsed(brand))).clone()
}

fn parsed(brand: Brand) -> Templates {
    let mut texts = BTreeMap::new();
    for name in Templates::names(brand) {
        let short = name.strip_prefix("run/").unwrap_or_default();
        // Where nothing can be deferred there is nothing to be asked.
        let short = if short == "check_deferred" && !can_defer(brand) { "" } else { short };
        let known = TEXTS.iter().find(|(known, _)| *known == short);
        let text = known.map_or_else(|| short.to_owned(), |(_, text)| (*text).to_owned());
        texts.insert(name, text);
    }
    Templates::with_overrides(brand, &texts).expect("the texts are templates")
}
