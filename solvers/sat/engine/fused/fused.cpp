// A whole solver as one translation unit, with its policies inlined.
//
// With ENGINE the folder of the engine, SAT the one above, and a folder GENERATED that holds candidate_policies.hpp:
//
//   g++ -std=c++20 -O3 -ffp-contract=off -DNDEBUG -I GENERATED -I ENGINE/fused -I ENGINE -I ENGINE/include -I SAT
//       ENGINE/fused/fused.cpp -o solver
//
// candidate_policies.hpp names for each of the twelve slots, in namespace slotforge::candidate, a struct with the
// slot's name that says which policy to use and what it is called. The policy may be of the slot's header or of the
// file's own:
//
//   #pragma once
//   #include "slots/decay.hpp"
//   #include "slots/restart_due.hpp"
//   ...
//   namespace candidate_sources::decay {
//   using namespace slotforge;
//   using namespace slotforge::slots::decay;
//   struct Mine { double operator()(const View &) { return 0.9; } };
//   }
//   namespace slotforge::candidate {
//   struct decay { using Policy = candidate_sources::decay::Mine; static constexpr const char *name = "Mine"; };
//   struct restart_due { using Policy = slots::restart_due::Luby; static constexpr const char *name = "Luby"; };
//   ...
//   }
//
// The program has the command line of slotforge-sat, and takes the same decisions as it with the same policies. It
// stands alone, and so judges its files by itself: see departures.hpp.

#include "analyze.cpp"
#include "backtrack.cpp"
#include "bump.cpp"
#include "collect.cpp"
#include "decide.cpp"
#include "dimacs.cpp"
#include "inprocess.cpp"
#include "input.cpp"
#include "main.cpp"
#include "minimize.cpp"
#include "options.cpp"
#include "output.cpp"
#include "problem.cpp"
#include "proof.cpp"
#include "propagate.cpp"
#include "reduce.cpp"
#include "rephase.cpp"
#include "restart.cpp"
#include "search.cpp"
#include "session.cpp"
