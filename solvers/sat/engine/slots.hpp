// All slots.

#pragma once
#include "slots/bump_reason.hpp"
#include "slots/bump_variables.hpp"
#include "slots/decay.hpp"
#include "slots/inprocess_due.hpp"
#include "slots/pick_phase.hpp"
#include "slots/reduce_due.hpp"
#include "slots/rephase_action.hpp"
#include "slots/rephase_due.hpp"
#include "slots/restart_action.hpp"
#include "slots/restart_due.hpp"
#include "slots/score_clauses.hpp"
#include "slots/switch_mode.hpp"

namespace slotforge {

// Calls visit(name, policy of that slot) for each of the twelve.
template <class Policies, class Visit> void each_slot(Policies &policies, Visit visit) {
    visit("bump_variables", policies.bump_variables);
    visit("decay", policies.decay);
    visit("bump_reason", policies.bump_reason);
    visit("restart_due", policies.restart_due);
    visit("restart_action", policies.restart_action);
    visit("rephase_due", policies.rephase_due);
    visit("rephase_action", policies.rephase_action);
    visit("reduce_due", policies.reduce_due);
    visit("score_clauses", policies.score_clauses);
    visit("pick_phase", policies.pick_phase);
    visit("switch_mode", policies.switch_mode);
    visit("inprocess_due", policies.inprocess_due);
}

} // namespace slotforge
