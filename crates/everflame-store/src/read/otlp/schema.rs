//! The fields of the messages that are read, by name and number: opentelemetry/proto/profiles/v1development/profiles.proto,
//! common/v1/common.proto. JSON has names where protobuf has numbers.

pub(super) struct Message(pub(super) &'static [Field]);

pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) number: u8,
    pub(super) is_repeated: bool,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Bool,
    /// Of any width, signed or not.
    Integer,
    Fixed64,
    Double,
    Text,
    /// To the base of 64.
    Bytes,
    /// So many bytes, as hexadecimal digits or to the base of 64.
    Id(usize),
    Message(&'static Message),
}

const fn one(name: &'static str, number: u8, kind: Kind) -> Field {
    Field {
        name,
        number,
        is_repeated: false,
        kind,
    }
}

const fn many(name: &'static str, number: u8, kind: Kind) -> Field {
    Field {
        name,
        number,
        is_repeated: true,
        kind,
    }
}

use Kind::{Bool, Bytes, Double, Fixed64, Id, Integer, Text};

pub(super) static REQUEST: Message = Message(&[
    many("resourceProfiles", 1, Kind::Message(&RESOURCE_PROFILES)),
    one("dictionary", 2, Kind::Message(&DICTIONARY)),
]);

static RESOURCE_PROFILES: Message = Message(&[
    one("resource", 1, Kind::Message(&RESOURCE)),
    many("scopeProfiles", 2, Kind::Message(&SCOPE_PROFILES)),
]);

static RESOURCE: Message = Message(&[many("attributes", 1, Kind::Message(&KEY_VALUE))]);

static SCOPE_PROFILES: Message = Message(&[many("profiles", 2, Kind::Message(&PROFILE))]);

static PROFILE: Message = Message(&[
    one("sampleType", 1, Kind::Message(&VALUE_TYPE)),
    many("samples", 2, Kind::Message(&SAMPLE)),
    one("timeUnixNano", 3, Fixed64),
    one("durationNano", 4, Integer),
    one("profileId", 7, Id(16)),
    many("attributeIndices", 11, Integer),
]);

static VALUE_TYPE: Message = Message(&[
    one("typeStrindex", 1, Integer),
    one("unitStrindex", 2, Integer),
]);

static SAMPLE: Message = Message(&[
    one("stackIndex", 1, Integer),
    many("attributeIndices", 2, Integer),
    one("linkIndex", 3, Integer),
    many("values", 4, Integer),
    many("timestampsUnixNano", 5, Fixed64),
]);

static DICTIONARY: Message = Message(&[
    many("mappingTable", 1, Kind::Message(&MAPPING)),
    many("locationTable", 2, Kind::Message(&LOCATION)),
    many("functionTable", 3, Kind::Message(&FUNCTION)),
    many("linkTable", 4, Kind::Message(&LINK)),
    many("stringTable", 5, Text),
    many("attributeTable", 6, Kind::Message(&KEY_VALUE_AND_UNIT)),
    many("stackTable", 7, Kind::Message(&STACK)),
]);

static MAPPING: Message = Message(&[one("filenameStrindex", 4, Integer)]);

static LOCATION: Message = Message(&[
    one("mappingIndex", 1, Integer),
    one("address", 2, Integer),
    many("lines", 3, Kind::Message(&LINE)),
    many("attributeIndices", 4, Integer),
]);

static LINE: Message = Message(&[one("functionIndex", 1, Integer), one("line", 2, Integer)]);

static FUNCTION: Message = Message(&[
    one("nameStrindex", 1, Integer),
    one("filenameStrindex", 3, Integer),
    one("startLine", 4, Integer),
]);

static LINK: Message = Message(&[one("spanId", 2, Id(8))]);

static STACK: Message = Message(&[many("locationIndices", 1, Integer)]);

static KEY_VALUE_AND_UNIT: Message = Message(&[
    one("keyStrindex", 1, Integer),
    one("value", 2, Kind::Message(&ANY_VALUE)),
    one("unitStrindex", 3, Integer),
]);

static KEY_VALUE: Message = Message(&[
    one("key", 1, Text),
    one("value", 2, Kind::Message(&ANY_VALUE)),
    one("keyStrindex", 3, Integer),
]);

static ANY_VALUE: Message = Message(&[
    one("stringValue", 1, Text),
    one("boolValue", 2, Bool),
    one("intValue", 3, Integer),
    one("doubleValue", 4, Double),
    one("arrayValue", 5, Kind::Message(&ARRAY)),
    one("kvlistValue", 6, Kind::Message(&KEY_VALUES)),
    one("bytesValue", 7, Bytes),
    one("stringValueStrindex", 8, Integer),
]);

static ARRAY: Message = Message(&[many("values", 1, Kind::Message(&ANY_VALUE))]);

static KEY_VALUES: Message = Message(&[many("values", 1, Kind::Message(&KEY_VALUE))]);
