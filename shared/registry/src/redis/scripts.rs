//! What is done in Redis in one step: a script each, in a file of its own.

use std::sync::LazyLock;

/// A script with what stands before each of them.
pub(super) struct Script {
    code: &'static str,
    /// It does no harm when it is done twice.
    is_repeatable: bool,
    hash: LazyLock<String>,
}

impl Script {
    /// Its text.
    pub(super) const fn code(&self) -> &'static str {
        self.code
    }

    /// Whether it does no harm when it is done twice.
    pub(super) const fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    /// Its name at the server.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }
}

/// Declares scripts: the name of each, its file, and which look something up only, or come to the same when they are done again.
macro_rules! scripts {
    ($($name:ident $file:literal $(, $looks_up:ident)?)+) => {
        $(pub(super) static $name: Script = Script {
            is_repeatable: scripts!(@is_repeatable $($looks_up)?),
            code: concat!(
                include_str!("scripts/common.lua"),
                include_str!(concat!("scripts/", $file, ".lua")),
            ),
            hash: LazyLock::new(|| redis::Script::new($name.code).get_hash().to_owned()),
        };)+
    };
    (@is_repeatable looks_up) => { true };
    (@is_repeatable again) => { true };
    (@is_repeatable) => { false };
}

scripts! {
    ADD_API_KEY "add_api_key"
    API_KEYS "api_keys", looks_up
    API_KEYS_USED "api_keys_used"
    APPEND "append"
    APPEND_AUDIT "append_audit"
    BEAT "beat"
    BEGIN "begin"
    BEGIN_KEY "begin_key"
    BRING_BACK "bring_back"
    BUCKET "bucket"
    CHANGE_API_KEY "change_api_key"
    CHANGE_GUARDS "change_guards"
    CLAIM "claim"
    CLOCK "clock", looks_up
    COUNT_IN "count_in", again
    DEAD "dead"
    DRAW "draw"
    END "end"
    ENDED "ended"
    FORGET "forget"
    FORGET_ENDED "forget_ended"
    FREE_KEY "free_key"
    GIVE "give"
    GIVE_BACK "give_back"
    JOIN "join"
    JOURNAL "journal", looks_up
    KEEP_TRIAL "keep_trial", again
    KEEP_CHECKPOINT "keep_checkpoint"
    KEEP_TICKET "keep_ticket"
    LEAVE "leave"
    LIST "list"
    LOCK "lock"
    NOT_ENDED "not_ended"
    OPEN "open"
    OPENED "opened"
    PLACE "place"
    PRUNE "prune"
    QUARANTINE "quarantine", looks_up
    RECORD "record", looks_up
    REFUSED "refused"
    RELEASE "release"
    SAVE "save"
    SEEN "seen"
    SETTLE "settle"
    SETTLE_KEY "settle_key"
    SINCE "since", looks_up
    STOOD "stood"
    TAKE "take"
    TAKE_TICKET "take_ticket"
    UNLIST "unlist"
    UNLOCK "unlock"
    UNSETTLED "unsettled", looks_up
    WORKER "worker", looks_up
    WORKERS "workers", looks_up
    WRITE "write"
}
