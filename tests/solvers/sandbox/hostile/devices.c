// Opens devices to read and write.
#include "hostile.h"

int main(void) {
    static const char *const DEVICES[] = {"/dev/mem",     "/dev/kmem", "/dev/port",   "/dev/sda",  "/dev/vda",
                                          "/dev/nvme0n1", "/dev/kmsg", "/dev/kvm",    "/dev/fuse", "/dev/tty",
                                          "/dev/ptmx",    "/dev/zero", "/dev/net/tun"};
    for (size_t i = 0; i < sizeof DEVICES / sizeof *DEVICES; i++) report(DEVICES[i], open(DEVICES[i], O_RDWR) >= 0);
    return done();
}
