/* In a virtual machine: what the system interface carries at most. `roundtrips N SIZE` sends N requests of SIZE data
 * bytes over /dev/ipmi0, each when the one before is answered, and prints the seconds. The request is Get Device ID
 * with bytes it does not have: the BMC refuses them (C7h), and has nothing else to do. */
#include <fcntl.h>
#include <linux/ipmi.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

enum
{
    largest_request = 252, /* BT has no more */
    largest_response = 272,
    patience = 10000, /* ms */
    net_fn_app = 0x06,
    get_device_id = 0x01
};

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int send_request(int device, long number, unsigned char* data, unsigned short size)
{
    struct ipmi_system_interface_addr bmc = {IPMI_SYSTEM_INTERFACE_ADDR_TYPE, IPMI_BMC_CHANNEL, 0};
    struct ipmi_req request;

    memset(&request, 0, sizeof(request));
    request.addr = (unsigned char*)&bmc;
    request.addr_len = sizeof(bmc);
    request.msgid = number;
    request.msg.netfn = net_fn_app;
    request.msg.cmd = get_device_id;
    request.msg.data = data;
    request.msg.data_len = size;
    return ioctl(device, IPMICTL_SEND_COMMAND, &request);
}

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
    return ioctl(device, IPMICTL_RECEIVE_MSG_TRUNC, &response);
}

int main(int argc, char** argv)
{
    const long count = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
    const long size = argc == 3 ? strtol(argv[2], NULL, 10) : -1;
    const int device = open("/dev/ipmi0", O_RDWR);
    unsigned char data[largest_request] = {0};
    const double begun = seconds();

    if (count <= 0 || size < 0 || size > largest_request || device < 0)
    {
        fprintf(stderr, "usage: roundtrips COUNT SIZE; it needs /dev/ipmi0\n");
        return 2;
    }
    for (long number = 0; number < count; ++number)
    {
        if (send_request(device, number, data, (unsigned short)size) < 0 || receive_response(device) < 0)
        {
            perror("roundtrips");
            return 1;
        }
    }
    printf("%.6f\n", seconds() - begun);
    return 0;
}
