#include "privileges.h"

#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Opens as the file-system user that is set at the moment. What does not exist is the program's own concern.
static bool readable(const char *path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    const bool refused = file < 0 && (errno == EACCES || errno == EPERM);
    errno = 0;
    if (file >= 0) close(file);
    return !refused;
}

static bool all_readable(const struct options *options) {
    bool all = readable(options->program);
    for (size_t i = 0; all && i < options->reads; i++) all = readable(options->read[i]);
    if (all && options->scratch != NULL && options->profile == PROFILE_COMPILE) all = readable(options->scratch);
    return all;
}

static void lend_scratch(const struct options *options, struct loan *loan) {
    struct stat status;
    if (options->scratch == NULL || options->profile != PROFILE_COMPILE) return;
    if (stat(options->scratch, &status) != 0) return;
    loan->user = status.st_uid;
    loan->group = status.st_gid;
    loan->lent = chown(options->scratch, SANDBOX_ID, SANDBOX_ID) == 0;
}

unsigned sandbox_user(const struct options *options) {
    return options->profile == PROFILE_SERVE ? SERVER_ID : SANDBOX_ID;
}

bool lend_to_sandbox_user(const struct options *options, struct loan *loan) {
    if (geteuid() != 0 || setgroups(0, NULL) != 0) return false;
    lend_scratch(options, loan);
    const unsigned user = sandbox_user(options);
    setfsgid(user);
    setfsuid(user);
    const bool possible = setfsuid((uid_t)-1) == (int)user; // not so where only root is mapped
    const bool all = possible && all_readable(options);
    setfsuid(0);
    setfsgid(0);
    errno = 0;
    if (!all) give_back(options, loan);
    return all;
}

void give_back(const struct options *options, const struct loan *loan) {
    if (loan->lent && chown(options->scratch, loan->user, loan->group) != 0)
        fail("cannot give the scratch %s back to its owner", options->scratch);
}

void drop_privileges(unsigned user) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++) prctl(PR_CAPBSET_DROP, capability);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED);
    if (user != 0 && (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0))
        fail("cannot become the user %u", user);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    if (syscall(SYS_capset, &header, none) != 0) fail("cannot drop the capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("cannot set no_new_privs");
    errno = 0;
}
