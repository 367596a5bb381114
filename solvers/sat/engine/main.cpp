// slotforge-sat: decides formulas, with the policies that it is told to use.

#include "dimacs.hpp"
#include "error.hpp"
#include "options.hpp"
#include "output.hpp"
#include "session.hpp"
#include "solver.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <string>
#include <unistd.h>

#ifndef SLOTFORGE_VERSION
#define SLOTFORGE_VERSION "0.1.0"
#endif

namespace slotforge {

namespace {

Solver *running = nullptr; // for the signal handler

void handle_signal(int) {
    running->interrupt();
}

// A signal makes the solver answer `unknown`; a second one of the same kind ends the process as usual.
void stop_on_signals(Solver &solver, bool session) {
    running = &solver;
    struct sigaction action{};
    action.sa_handler = handle_signal;
    action.sa_flags = session ? SA_RESTART : static_cast<int>(SA_RESETHAND) | SA_RESTART;
    sigaction(SIGUSR1, &action, nullptr);
    if (session) return;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

Proof open_proof(const Options &options) {
    if (!options.proof_path.empty() && options.proof_descriptor >= 0)
        throw Error("--proof and --proof-fd cannot both be given");
    int descriptor = options.proof_descriptor;
    if (!options.proof_path.empty()) {
        descriptor = open(options.proof_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (descriptor < 0) throw Error(options.proof_path + ": " + std::strerror(errno));
    }
    return Proof(descriptor, options.proof_format);
}

struct Times {
    double parse;
    double solve;
};

std::string json_of(const Solver &solver, Answer answer, Times times, bool with_model) {
    std::string text = "{\"answer\":" + quoted(name_of(answer));
    if (with_model && answer == Answer::sat) {
        text += ",\"model\":[";
        for (const int lit : solver.model()) text += std::to_string(lit) + ",";
        if (text.back() == ',') text.pop_back();
        text += "]";
    }
    return text + "," + statistics_members(solver) + "," + profile_members(solver) +
           ",\"solve_cpu_s\":" + shortest(times.solve) + ",\"parse_cpu_s\":" + shortest(times.parse) +
           ",\"limit\":" + json_of(solver.stopped_by()) + "}\n";
}

std::string text_of(const Solver &solver, Answer answer, Times times, const Options &options) {
    std::string text;
    if (options.statistics) {
        text += "c {" + statistics_members(solver) + "}\n";
        text += "c parse " + shortest(times.parse) + " s, solve " + shortest(times.solve) + " s\n";
    }
    if (answer == Answer::unknown) return text + "s UNKNOWN\n";
    if (answer == Answer::unsat) return text + "s UNSATISFIABLE\n";
    return text + "s SATISFIABLE\n" + (options.model ? value_lines(solver.model()) : "");
}

int run(int count, char **words) {
    const Options options = Options::parse(count, words);
    if (options.help) return write_all(STDOUT_FILENO, Options::usage()), 0;
    if (options.version) return write_all(STDOUT_FILENO, "slotforge-sat " SLOTFORGE_VERSION "\n"), 0;
    Policies policies;
    if (options.list_slots) return write_all(STDOUT_FILENO, list_slots(policies)), 0;
    options.apply_to(policies);
    Proof proof = open_proof(options);
    Solver solver(policies, proof, options.seed);
    stop_on_signals(solver, options.session);
    if (options.session) return serve_session(solver), 0;

    const double start = cpu_seconds();
    const Departures departures = read_dimacs(options.file, solver);
    const double parsed = cpu_seconds();
    const Answer answer = solver.solve({}, options.limits);
    const Times times = {parsed - start, cpu_seconds() - parsed};
    departures.tell(options.file);
    write_all(STDOUT_FILENO,
              options.json ? json_of(solver, answer, times, options.model) : text_of(solver, answer, times, options));
    return static_cast<int>(answer);
}

} // namespace

} // namespace slotforge

int main(int count, char **words) {
    std::string problem;
    try {
        return slotforge::run(count, words);
    } catch (const slotforge::Error &error) {
        problem = error.what();
    } catch (const std::bad_alloc &) {
        problem = "out of memory";
    }
    slotforge::write_all(STDERR_FILENO, problem + "\n");
    return 1;
}
