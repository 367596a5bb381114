// Policies of a fused build: each slot is one policy, known to the compiler.

#pragma once
#include "candidate_policies.hpp"
#include "fixed.hpp"
#include "slots.hpp"

namespace slotforge {

struct Policies {
    Fixed<candidate::bump_variables> bump_variables;
    Fixed<candidate::decay> decay;
    Fixed<candidate::bump_reason> bump_reason;
    Fixed<candidate::restart_due> restart_due;
    Fixed<candidate::restart_action> restart_action;
    Fixed<candidate::rephase_due> rephase_due;
    Fixed<candidate::rephase_action> rephase_action;
    Fixed<candidate::reduce_due> reduce_due;
    Fixed<candidate::score_clauses> score_clauses;
    Fixed<candidate::pick_phase> pick_phase;
    Fixed<candidate::switch_mode> switch_mode;
    Fixed<candidate::inprocess_due> inprocess_due;
};

} // namespace slotforge
