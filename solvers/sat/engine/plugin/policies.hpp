// Policies of the plug-in build: each slot holds a built-in variant or one from a shared object.

#pragma once
#include "loaded.hpp"
#include "slots.hpp"

namespace slotforge {

struct Policies {
    Loaded<slots::bump_variables::Signature> bump_variables{slots::bump_variables::builtins};
    Loaded<slots::decay::Signature> decay{slots::decay::builtins};
    Loaded<slots::bump_reason::Signature> bump_reason{slots::bump_reason::builtins};
    Loaded<slots::restart_due::Signature> restart_due{slots::restart_due::builtins};
    Loaded<slots::restart_action::Signature> restart_action{slots::restart_action::builtins};
    Loaded<slots::rephase_due::Signature> rephase_due{slots::rephase_due::builtins};
    Loaded<slots::rephase_action::Signature> rephase_action{slots::rephase_action::builtins};
    Loaded<slots::reduce_due::Signature> reduce_due{slots::reduce_due::builtins};
    Loaded<slots::score_clauses::Signature> score_clauses{slots::score_clauses::builtins};
    Loaded<slots::pick_phase::Signature> pick_phase{slots::pick_phase::builtins};
    Loaded<slots::switch_mode::Signature> switch_mode{slots::switch_mode::builtins};
    Loaded<slots::inprocess_due::Signature> inprocess_due{slots::inprocess_due::builtins};
};

} // namespace slotforge
