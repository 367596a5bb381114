// Policies of a fused build: each slot is one policy, known to the compiler.

#pragma once
#include "candidate_policies.hpp"
#include "fixed.hpp"
#include "slots.hpp"

namespace slotforge {

struct Policies {
    Fixed<candidate::bump_variables, slots::bump_variables::Signature> bump_variables;
    Fixed<candidate::decay, slots::decay::Signature> decay;
    Fixed<candidate::bump_reason, slots::bump_reason::Signature> bump_reason;
    Fixed<candidate::restart_due, slots::restart_due::Signature> restart_due;
    Fixed<candidate::restart_action, slots::restart_action::Signature> restart_action;
    Fixed<candidate::rephase_due, slots::rephase_due::Signature> rephase_due;
    Fixed<candidate::rephase_action, slots::rephase_action::Signature> rephase_action;
    Fixed<candidate::reduce_due, slots::reduce_due::Signature> reduce_due;
    Fixed<candidate::score_clauses, slots::score_clauses::Signature> score_clauses;
    Fixed<candidate::pick_phase, slots::pick_phase::Signature> pick_phase;
    Fixed<candidate::switch_mode, slots::switch_mode::Signature> switch_mode;
    Fixed<candidate::inprocess_due, slots::inprocess_due::Signature> inprocess_due;
};

} // namespace slotforge
