//! The kinds of objects that a schema is made of, a file each, as SQL over the system catalogs.
//!
//! A kind says which objects there are (a common table expression, with `oid` and `heading` among its columns) and what
//! is said about them: SELECTs of heading, place and line. Lines with a negative place come first and in that order;
//! the others have place 1 and are sorted by their bytes. `query.rs` puts the pieces together; `{in}`, `{member o.oid}`
//! (whether that object of the kind's catalog belongs to an extension), `{secret}` and `{>=15} … {else} … {end}` are filled
//! in there.

mod access_method;
mod aggregate;
mod borrowed;
mod cast;
mod collation;
mod column;
mod constraint;
mod conversion;
mod default_privileges;
mod event_trigger;
mod extension;
mod foreign;
mod index;
mod language;
mod operator;
mod operator_class;
mod policy;
mod publication;
mod relation;
mod routine;
mod rule;
mod schema;
mod sequence;
mod statistics;
mod subscription;
mod text_search;
mod trigger;
mod types;

/// A kind of object.
pub(super) struct Kind {
    /// The name of its common table expression.
    pub name: &'static str,
    /// The catalog that has a row for each.
    pub catalog: &'static str,
    pub objects: &'static str,
    /// Expressions over that; empty where the kind has none.
    pub owner: &'static str,
    pub acl: &'static str,
    /// The letter that `acldefault` knows the kind by.
    pub acl_type: &'static str,
    pub aspects: &'static [&'static Aspect],
}

impl Kind {
    /// What a kind has that says nothing of it: no owner, no privileges, no facts.
    const NONE: Self =
        Self { name: "", catalog: "", objects: "", owner: "", acl: "", acl_type: "", aspects: &[] };
}

/// What is said about a kind of object, in one regard.
pub(super) struct Aspect {
    /// A condition, without which there is nothing to say; empty where there may always be.
    pub needs: &'static str,
    /// Heading, place, line.
    pub facts: &'static [&'static str],
    /// Heading, catalog, oid and name of what belongs to an object and can have a comment of its own.
    pub parts: &'static [&'static str],
}

/// All of them.
pub(super) const KINDS: &[Kind] = &[
    schema::KIND,
    extension::KIND,
    relation::KIND,
    types::KIND,
    routine::KIND,
    operator::KIND,
    operator_class::CLASS,
    operator_class::FAMILY,
    cast::KIND,
    collation::KIND,
    conversion::KIND,
    text_search::PARSER,
    text_search::TEMPLATE,
    text_search::DICTIONARY,
    text_search::CONFIGURATION,
    foreign::WRAPPER,
    foreign::SERVER,
    foreign::MAPPING,
    publication::KIND,
    subscription::KIND,
    statistics::KIND,
    language::LANGUAGE,
    language::TRANSFORM,
    access_method::KIND,
    event_trigger::KIND,
];

/// Those of somebody else's, which have no block unless there is something to say: with `owner`, `acl`, `letter` and
/// `initprivs` among their columns.
pub(super) const BORROWED: &[Kind] = &[
    borrowed::RELATION,
    borrowed::ROUTINE,
    borrowed::TYPE,
    borrowed::SCHEMA,
    borrowed::LANGUAGE,
    borrowed::WRAPPER,
];

/// Facts about privileges that one kind only has, by its name.
pub(super) const GRANTS: &[(&str, &str)] = &[
    (relation::KIND.name, column::GRANTS),
    (borrowed::RELATION.name, borrowed::COLUMN_GRANTS),
    (default_privileges::KIND.name, default_privileges::GRANTS),
];

pub(super) use default_privileges::KIND as DEFAULT_PRIVILEGES;
pub(super) use subscription::CONNINFO;
