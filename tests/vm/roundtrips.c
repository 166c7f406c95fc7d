/* In a virtual machine: what the system interface carries at most. Sends requests over /dev/ipmi0, each when the one
 * before is answered, and prints the seconds.
 *   roundtrips N SIZE           N times Get Device ID with SIZE bytes it does not have: the BMC refuses them (C7h), and
 *                               has nothing else to do
 *   roundtrips FILE TRANSFER    the Write Fragment requests in FILE, each behind a byte that tells its length, with
 * this transfer's id: what a client sends, without a client */
#include <fcntl.h>
#include <linux/ipmi.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum
{
    largest_request = 252, /* BT has no more */
    largest_response = 272,
    patience = 10000, /* ms */
    net_fn_app = 0x06,
    get_device_id = 0x01,
    net_fn_firmware = 0x08,
    write_fragment = 0x45,
    largest_file = 16 << 20
};

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int send_request(int device, long number, const struct ipmi_msg* message)
{
    struct ipmi_system_interface_addr bmc = {IPMI_SYSTEM_INTERFACE_ADDR_TYPE, IPMI_BMC_CHANNEL, 0};
    struct ipmi_req request;

    memset(&request, 0, sizeof(request));
    request.addr = (unsigned char*)&bmc;
    request.addr_len = sizeof(bmc);
    request.msgid = number;
    request.msg = *message;
    return ioctl(device, IPMICTL_SEND_COMMAND, &request);
}

/* Its completion code; -1: there is no answer. */
static int receive_response(int device)
{
    struct ipmi_addr from;
    struct ipmi_recv response;
    unsigned char data[largest_response];
    struct pollfd readable = {device, POLLIN, 0};

    if (poll(&readable, 1, patience) != 1)
    {
        return -1;
    }
    memset(&response, 0, sizeof(response));
    response.addr = (unsigned char*)&from;
    response.addr_len = sizeof(from);
    response.msg.data = data;
    response.msg.data_len = sizeof(data);
    return ioctl(device, IPMICTL_RECEIVE_MSG_TRUNC, &response) < 0 ? -1 : data[0];
}

/* The completion code. Without an answer there is nothing to measure. */
static int exchange(int device, long number, const struct ipmi_msg* message)
{
    const int code = send_request(device, number, message) < 0 ? -1 : receive_response(device);

    if (code < 0)
    {
        perror("roundtrips");
        exit(1);
    }
    return code;
}

static void refused(int device, long count, unsigned short size)
{
    static unsigned char data[largest_request];
    const struct ipmi_msg message = {net_fn_app, get_device_id, size, data};

    for (long number = 0; number < count; ++number)
    {
        exchange(device, number, &message);
    }
}

static void replayed(int device, unsigned char* at, const unsigned char* end, unsigned transfer)
{
    for (long number = 0; at < end; ++number)
    {
        const struct ipmi_msg message = {net_fn_firmware, write_fragment, at[0], at + 1};
        int code = 0;

        at[1] = (unsigned char)transfer;
        at[2] = (unsigned char)(transfer >> 8);
        code = exchange(device, number, &message);
        if (code != 0)
        {
            fprintf(stderr, "roundtrips: fragment %ld is refused: %02Xh\n", number, code);
            exit(1);
        }
        at += 1 + at[0];
    }
}

int main(int argc, char** argv)
{
    static unsigned char messages[largest_file];
    const int device = open("/dev/ipmi0", O_RDWR);
    const long count = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
    const long number = argc == 3 ? strtol(argv[2], NULL, 10) : -1;
    const int file = argc == 3 && count == 0 ? open(argv[1], O_RDONLY) : -1;
    const ssize_t size = file < 0 ? 0 : read(file, messages, sizeof(messages));
    double begun = 0;

    if (device < 0 || number < 0 || (size <= 0 && (count <= 0 || number > largest_request)))
    {
        fprintf(stderr, "usage: roundtrips COUNT SIZE, or: roundtrips FILE TRANSFER; it needs /dev/ipmi0\n");
        return 2;
    }
    begun = seconds();
    if (size > 0)
    {
        replayed(device, messages, messages + size, (unsigned)number);
    }
    else
    {
        refused(device, count, (unsigned short)number);
    }
    printf("%.6f\n", seconds() - begun);
    return 0;
}
