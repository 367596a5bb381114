// Who the program is: never root with power, and not root at all where that is possible.
#pragma once

#include "options.h"

#include <sys/types.h>

// The user and group that root gives up its own for.
enum { SANDBOX_ID = 65534 };

// The owner of the scratch before it was lent to the sandbox's user, to be given back.
struct loan {
    bool lent;
    uid_t user;
    gid_t group;
};

// Root only: can the sandbox's user read the program and the --read paths, and (profile compile) own the scratch?
//   Post: on true, the scratch is lent to that user
bool lend_to_sandbox_user(const struct options *options, struct loan *loan);

// Undoes the loan.
void give_back(const struct options *options, const struct loan *loan);

// Drops every capability for good and sets no_new_privs; `user` changes to the sandbox's user.
void drop_privileges(bool user);
