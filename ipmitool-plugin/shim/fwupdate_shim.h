/* The flat interface between ipmitool (C, its struct ipmi_intf) and the fwupdate command (C++). ipmitool's headers are
 * not C++-clean and its types change; nothing of them passes here. The C side is compiled inside ipmitool's build,
 * the C++ side is one static library. */
#ifndef FWUPDATE_SHIM_H
#define FWUPDATE_SHIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ipmitool's interface with its session; owned by ipmitool. */
struct fwupdate_interface;

/* Largest response: ipmitool's receive buffer. */
#define FWUPDATE_SHIM_RESPONSE_SIZE 1024

struct fwupdate_response {
	uint8_t completion_code;
	uint16_t length;
	uint8_t data[FWUPDATE_SHIM_RESPONSE_SIZE];
};

/* What ipmitool was told on its command line. Strings live as long as the interface; none is NULL. */
struct fwupdate_facts {
	const char *interface_name; /* "lanplus", "open", ... */
	const char *host;           /* empty: a local interface */
	const char *user;
	int port;                   /* UDP; 0: none */
	int bridged;                /* -t, -T: messages travel on through the BMC */
	int oem;                    /* -o: an OEM handling of packets is active */
	int csv;                    /* -c */
	int verbose;                /* number of -v */
	uint16_t max_request;       /* data bytes that ipmitool believes in: default, HPM.2 or -z */
};

/* A live RMCP+ session that packets may be built for. Key bytes beyond their length are undefined. */
struct fwupdate_lan_session {
	int fd;                     /* connected UDP socket */
	uint32_t bmc_id;            /* the BMC's session id: goes into requests */
	uint32_t console_id;        /* the remote console's session id: comes in responses */
	uint32_t out_sequence;      /* session sequence number of the next request */
	uint8_t authentication;     /* algorithm numbers of IPMI 2.0 tables 13-17, 13-18, 13-19 */
	uint8_t integrity;
	uint8_t confidentiality;
	uint8_t k1_length;
	uint8_t k2_length;
	uint8_t k1[32];
	uint8_t k2[32];
};

enum fwupdate_log_level {
	FWUPDATE_LOG_ERROR,
	FWUPDATE_LOG_NOTICE,
	FWUPDATE_LOG_INFO,  /* with -v */
	FWUPDATE_LOG_DEBUG, /* with -vv */
};

/* ---- the C side, called by C++ */

void fwupdate_shim_facts(struct fwupdate_interface *interface, struct fwupdate_facts *facts);

/* One command and its response. tries 0: as ipmitool was told (-R); 1: never repeated. seconds: to wait per try, 0: as
 * ipmitool was told (-N); local interfaces have times of their own. Returns 0, or -1 when no answer came. */
int fwupdate_shim_exchange(struct fwupdate_interface *interface, uint8_t net_fn, uint8_t command, const uint8_t *data,
                           uint16_t length, int tries, int seconds, struct fwupdate_response *response);

/* Fills *session and returns 0 for a direct, active lanplus session without OEM handling; else -1. */
int fwupdate_shim_lan_session(struct fwupdate_interface *interface, struct fwupdate_lan_session *session);

/* Session sequence number that ipmitool's next packet takes; 0 is skipped. */
void fwupdate_shim_set_out_sequence(struct fwupdate_interface *interface, uint32_t out_sequence);

/* Drops the session without a word to the BMC (it is gone) and opens a new one. patience: 0 as ipmitool was told, else
 * this many tries of one second. Returns 0, or -1: no session now; another call may succeed. */
int fwupdate_shim_reopen(struct fwupdate_interface *interface, int patience);

/* The BMC no longer knows the session: closing the interface must not wait for an answer. */
void fwupdate_shim_forget_session(struct fwupdate_interface *interface);

/* On stderr, by ipmitool's logging; one line. */
void fwupdate_shim_log(enum fwupdate_log_level level, const char *text);

/* Whether SIGINT, SIGTERM or SIGHUP came since the command started. The second one ends the program. */
int fwupdate_shim_interrupted(void);

/* ---- the C++ side, called by C. Returns the exit code, 0..255. */

/* What needs no BMC, before ipmitool opens an interface: help, wrong arguments, an image that cannot be used. Takes all
 * arguments of the program. FWUPDATE_GO_ON: this is for ipmitool's own main. */
#define FWUPDATE_GO_ON (-1)
int fwupdate_plugin_early(int argc, char **argv);

int fwupdate_plugin_main(struct fwupdate_interface *interface, int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
