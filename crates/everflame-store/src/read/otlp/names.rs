//! OpenTelemetry's names of things that the store calls otherwise, as clients of Datadog and ours do in profile.proto.

/// Attribute of a location that tells what kind of code it is.
pub(super) const FRAME_TYPE: &str = "profile.frame.type";
pub(super) const SERVICE: &str = "service.name";
/// As the SDKs call a service that has no name (semantic conventions, "Service").
pub(super) const UNKNOWN_SERVICE: &str = "unknown_service";

/// By attribute of a resource; of two with one tag the former counts.
const TAGS: [(&str, &str); 8] = [
    ("deployment.environment.name", "env"),
    ("deployment.environment", "env"),
    ("service.version", "version"),
    ("service.instance.id", "runtime-id"),
    ("host.name", "host"),
    ("process.pid", "process_id"),
    ("vcs.ref.head.revision", "git.commit.sha"),
    ("vcs.repository.url.full", "git.repository_url"),
];

/// By attribute of a sample: keys with a space have a dot there.
const LABELS: [(&str, &str); 9] = [
    ("thread.name", "thread name"),
    ("thread.id", "os thread id"),
    ("trace.endpoint", "trace endpoint"),
    ("trace.type", "trace type"),
    ("exception.type", "exception type"),
    ("exception.message", "exception message"),
    ("lock.name", "lock name"),
    ("gc.type", "gc type"),
    ("gc.reason", "gc reason"),
];

/// Types with a dash: not every receiver takes one, and so they are sent with a low line.
const TYPES: [&str; 5] = [
    "exception-samples",
    "lock-acquire",
    "lock-acquire-wait",
    "lock-release",
    "lock-release-hold",
];

/// The tag of an attribute that has another name, and how much it counts: the least is taken.
pub(super) fn tag_key(attribute: &str) -> Option<(&'static str, usize)> {
    let rank = TAGS.iter().position(|(theirs, _)| *theirs == attribute)?;
    Some((TAGS[rank].1, rank))
}

pub(super) fn label_key(attribute: &str) -> Option<&'static str> {
    let found = LABELS.iter().find(|(theirs, _)| *theirs == attribute);
    found.map(|(_, ours)| *ours)
}

pub(super) fn type_name(name: &str) -> String {
    let dashed = name.replace('_', "-");
    if TYPES.contains(&dashed.as_str()) {
        dashed
    } else {
        name.to_owned()
    }
}
