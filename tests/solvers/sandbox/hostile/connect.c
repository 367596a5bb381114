// Sends a word to listeners: TCP_PORT UDP_PORT UNIX_PATH.
#include "hostile.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

static int send_to(int family, int type, const void *address, socklen_t size) {
    const int end = socket(family, type, 0);
    return end >= 0 && connect(end, address, size) == 0 && send(end, "contact", 7, MSG_NOSIGNAL) == 7;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    struct sockaddr_in internet = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    int pair[2];
    inet_pton(AF_INET, "127.0.0.1", &internet.sin_addr);
    report("tcp", send_to(AF_INET, SOCK_STREAM, &internet, sizeof internet));
    internet.sin_port = htons((unsigned short)atoi(argv[2]));
    report("udp", send_to(AF_INET, SOCK_DGRAM, &internet, sizeof internet));
    strncpy(local.sun_path, argv[3], sizeof local.sun_path - 1);
    report("unix", send_to(AF_UNIX, SOCK_STREAM, &local, sizeof local));
    report("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    return done();
}
