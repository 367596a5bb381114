// Session: an incremental solver behind lines of text.
//
//   a LIT... 0                               add a clause
//   p LIT... 0                               decide these variables with these values
//   s CONFLICTS PROPAGATIONS LIT... 0        solve under assumptions within budgets (-1: none); answers r 10|20|0
//   m                                        answers m LIT... 0, the model of the last r 10
//   c                                        answers c LIT... 0, the failed assumptions of the last r 20
//   P LIT... 0                               propagate under assumptions; answers P 1|0 LIT... 0
//   t                                        answers with the statistics as a line of JSON
//   q                                        ends the session
//
// A command that cannot be understood is answered by e and a message, and changes nothing.

#pragma once
#include "solver.hpp"

namespace slotforge {

// Serves standard input until q or its end.
void serve_session(Solver &solver);

} // namespace slotforge
