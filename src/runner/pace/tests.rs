//! Which route is due, moment by moment.

use super::*;

const EVERY: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn route(id: i64, from: &str, to: &str, forwards_from: &[i64]) -> RoutePlan {
    RoutePlan {
        id: RouteId(id),
        from: NodeId::from(from),
        to: NodeId::from(to),
        forwards: Vec::new(),
        forwards_from: forwards_from.iter().copied().map(RouteId).collect(),
    }
}

/// From `a` over the hub `h` to `b`.
fn chain() -> Vec<RoutePlan> {
    vec![route(1000, "a", "h", &[]), route(1002, "h", "b", &[1000])]
}

fn pace(routes: &[RoutePlan], now: Instant) -> Pace {
    let nodes = routes.iter().flat_map(|route| [route.from.clone(), route.to.clone()]);
    let mut pace = Pace::new(routes, nodes.clone().collect(), EVERY, now);
    nodes.for_each(|node| pace.note(&node, &Sign::Back));
    pace
}

fn carried(written: u64) -> Outcomes {
    let outcome = transport::Outcome { read: written, written, ..Default::default() };
    let imported = import::Outcome { read: written, ..Default::default() };
    Outcomes { carried: Some(Ok(outcome)), imported: Some(Ok(imported)), has_waiting: false }
}

fn news(has_outbox: bool, inbox: &[i64]) -> Sign {
    let inbox = inbox.iter().copied().map(RouteId).collect();
    Sign::News(News { has_outbox, inbox, has_programs: false })
}

/// Takes all turns that are due, each with these outcomes; `id`, transports, imports.
fn turns(pace: &mut Pace, now: Instant, outcomes: &Outcomes) -> Vec<(i64, bool, bool)> {
    let mut taken = Vec::new();
    while let Some(turn) = pace.next(now) {
        pace.done(&turn, outcomes, now);
        taken.push((turn.route.id.0, turn.transports, turn.imports));
        assert!(taken.len() < 20, "it never ends: {taken:?}");
    }
    taken
}

#[test]
fn each_route_has_a_first_turn_and_then_those_with_something_to_do() {
    let now = Instant::now();
    let mut pace = pace(&chain(), now);
    let nothing = carried(0);
    assert_eq!(turns(&mut pace, now, &nothing), [(1000, true, true), (1002, true, true)]);
    assert_eq!(turns(&mut pace, now, &nothing), []);
    pace.note(&NodeId::from("h"), &news(true, &[]));
    assert_eq!(turns(&mut pace, now, &nothing), [(1002, true, false)]);
    // What came on the first route is imported, and carried on.
    pace.note(&NodeId::from("h"), &news(false, &[1000]));
    assert_eq!(turns(&mut pace, now, &nothing), [(1000, false, true), (1002, true, false)]);
    pace.note(&NodeId::from("b"), &news(true, &[1002]));
    assert_eq!(turns(&mut pace, now, &nothing), [(1002, false, true)]);
}

#[test]
fn what_a_route_brings_to_a_hub_goes_on_at_once() {
    let now = Instant::now();
    let mut pace = pace(&chain(), now);
    turns(&mut pace, now, &carried(0));
    pace.note(&NodeId::from("a"), &news(true, &[]));
    let taken = turns(&mut pace, now, &carried(3));
    assert_eq!(taken, [(1000, true, false), (1002, true, false)]);
}

#[test]
fn a_turn_that_fails_is_taken_again_later_and_later_and_the_others_go_on() {
    let now = Instant::now();
    let routes = [route(1000, "a", "b", &[]), route(1002, "b", "a", &[])];
    let mut pace = pace(&routes, now);
    turns(&mut pace, now, &carried(0));
    let failed = Outcomes { carried: Some(Err(Failed)), ..carried(0) };
    pace.note(&NodeId::from("a"), &news(true, &[]));
    assert_eq!(turns(&mut pace, now, &failed), [(1000, true, false)]);
    assert_eq!((pace.failures(), pace.gets_on(RouteId(1000))), (1, (false, true)));
    // News does not make it try sooner.
    pace.note(&NodeId::from("a"), &news(true, &[]));
    pace.note(&NodeId::from("b"), &news(true, &[]));
    assert_eq!(turns(&mut pace, now, &carried(0)), [(1002, true, false)]);
    assert_eq!(pace.next_at(), now + SECOND);
    let later = now + SECOND;
    assert_eq!(turns(&mut pace, later, &failed), [(1000, true, false)]);
    assert_eq!(pace.next_at(), later + 2 * SECOND);
    let later = later + 2 * SECOND;
    assert_eq!(turns(&mut pace, later, &carried(0)), [(1000, true, false)]);
    assert_eq!((pace.failures(), pace.gets_on(RouteId(1000))), (0, (true, true)));
}

#[test]
fn what_does_not_answer_is_not_tried_and_has_its_turn_when_it_is_back() {
    let now = Instant::now();
    let mut pace = pace(&chain(), now);
    turns(&mut pace, now, &carried(0));
    pace.note(&NodeId::from("a"), &Sign::Away);
    assert_eq!(pace.failures(), 1);
    pace.note(&NodeId::from("h"), &news(true, &[1000]));
    // The import needs its target alone.
    let taken = turns(&mut pace, now, &carried(0));
    assert_eq!(taken, [(1000, false, true), (1002, true, false)]);
    pace.note(&NodeId::from("a"), &Sign::Back);
    assert_eq!(turns(&mut pace, now, &carried(0)), [(1000, true, true)]);
    assert_eq!(pace.failures(), 0);
}

#[test]
fn a_program_that_is_stopped_is_not_called_until_a_person_lets_it_go_on() {
    let now = Instant::now();
    let mut pace = pace(&chain(), now);
    let stopped = transport::Outcome { is_stopped: true, ..Default::default() };
    turns(&mut pace, now, &Outcomes { carried: Some(Ok(stopped)), ..carried(0) });
    pace.note(&NodeId::from("a"), &news(true, &[]));
    assert_eq!(turns(&mut pace, now, &carried(0)), []);
    let news = News { has_programs: true, ..News::default() };
    pace.note(&NodeId::from("h"), &Sign::News(news));
    assert_eq!(turns(&mut pace, now, &carried(0)), [(1000, true, true)]);
}

#[test]
fn what_waits_in_quarantine_is_tried_again_with_all_routes_to_its_node() {
    let now = Instant::now();
    let routes = [route(1000, "a", "b", &[]), route(1002, "c", "b", &[])];
    let mut pace = pace(&routes, now);
    turns(&mut pace, now, &carried(0));
    let refused = import::Outcome { read: 1, quarantined: 1, ..Default::default() };
    let refused = Outcomes { imported: Some(Ok(refused)), has_waiting: true, ..carried(1) };
    pace.note(&NodeId::from("a"), &news(true, &[]));
    turns(&mut pace, now, &refused);
    let later = now + SECOND;
    assert_eq!(pace.next_at(), later);
    let both = [(1002, true, true), (1000, true, true)];
    assert_eq!(turns(&mut pace, later, &carried(0)), both);
    assert_eq!(turns(&mut pace, later + EVERY, &carried(0)), []);
}

#[test]
fn a_node_that_cannot_be_looked_at_has_its_turns_by_the_clock() {
    let now = Instant::now();
    let mut pace = pace(&chain(), now);
    turns(&mut pace, now, &carried(0));
    pace.note(&NodeId::from("b"), &Sign::Hidden);
    assert_eq!(turns(&mut pace, now, &carried(0)), [(1002, true, true)]);
    assert_eq!(turns(&mut pace, now, &carried(0)), []);
    assert_eq!(turns(&mut pace, now + EVERY, &carried(0)), [(1002, true, true)]);
}

#[test]
fn every_route_has_its_turn_after_a_long_while() {
    let now = Instant::now();
    let mut pace = pace(&chain(), now);
    turns(&mut pace, now, &carried(0));
    let both = [(1000, true, true), (1002, true, true)];
    assert_eq!(turns(&mut pace, now + COMPLETE_EVERY, &carried(0)), both);
}
