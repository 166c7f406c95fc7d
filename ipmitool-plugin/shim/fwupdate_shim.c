/* ipmitool's side of the fwupdate command: see fwupdate_shim.h. Compiled inside ipmitool's build. */

#include "fwupdate_shim.h"

#include <ipmitool/ipmi.h>
#include <ipmitool/ipmi_intf.h>
#include <ipmitool/log.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* ipmitool's main() turns every negative value into exit status 1; its patched form takes a value from here down as
 * -(FWUPDATE_EXIT_BASE + exit code). */
#define FWUPDATE_EXIT_BASE 0x100

/* Below LOG_EMERG: nothing is printed. */
#define LOG_NOTHING (-LOG_NOTICE - 1)

static volatile sig_atomic_t interrupted; /* a signal handler has no other way */

int ipmi_fwupdate_main(struct ipmi_intf *intf, int argc, char **argv);

static struct ipmi_intf *
native(struct fwupdate_interface *interface)
{
	return (struct ipmi_intf *)interface;
}

static const char *
text(const char *string)
{
	return string ? string : "";
}

static int
is_lanplus(const struct ipmi_intf *intf)
{
	return strcmp(intf->name, "lanplus") == 0;
}

static int
is_bridged(const struct ipmi_intf *intf)
{
	return ipmi_intf_get_bridging_level(intf) > 0;
}

void
fwupdate_shim_facts(struct fwupdate_interface *interface, struct fwupdate_facts *facts)
{
	struct ipmi_intf *intf = native(interface);

	facts->interface_name = intf->name;
	facts->host = text(intf->ssn_params.hostname);
	facts->user = (const char *)intf->ssn_params.username;
	facts->port = intf->ssn_params.port;
	facts->bridged = is_bridged(intf);
	facts->oem = intf->oem != NULL;
	facts->csv = csv_output;
	facts->verbose = verbose;
	facts->max_request = ipmi_intf_get_max_request_data_size(intf);
}

int
fwupdate_shim_exchange(struct fwupdate_interface *interface, uint8_t net_fn, uint8_t command, const uint8_t *data,
                       uint16_t length, int tries, int seconds, struct fwupdate_response *response)
{
	struct ipmi_intf *intf = native(interface);
	const int saved_retry = intf->ssn_params.retry;
	struct ipmi_rq request;
	struct ipmi_rs *answer;

	memset(&request, 0, sizeof(request));
	request.msg.netfn = net_fn;
	request.msg.cmd = command;
	request.msg.data = (uint8_t *)data; /* ipmitool only reads it */
	request.msg.data_len = length;

	if (tries > 0)
		intf->ssn_params.retry = tries;
	if (seconds > 0 && intf->session)
		intf->session->timeout = (uint32_t)seconds;
	answer = intf->sendrecv(intf, &request);
	intf->ssn_params.retry = saved_retry;
	if (seconds > 0 && intf->session)
		intf->session->timeout = intf->ssn_params.timeout;
	if (!answer)
		return -1;

	response->completion_code = answer->ccode;
	response->length = 0;
	if (answer->data_len > 0) {
		response->length = answer->data_len > FWUPDATE_SHIM_RESPONSE_SIZE ? FWUPDATE_SHIM_RESPONSE_SIZE
		                                                                  : (uint16_t)answer->data_len;
		memcpy(response->data, answer->data, response->length);
	}
	return 0;
}

int
fwupdate_shim_lan_session(struct fwupdate_interface *interface, struct fwupdate_lan_session *session)
{
	struct ipmi_intf *intf = native(interface);
	const struct ipmi_session *live = intf ? intf->session : NULL;

	if (!intf || !is_lanplus(intf) || is_bridged(intf) || intf->oem || !intf->opened || !live ||
	    live->v2_data.session_state != LANPLUS_STATE_ACTIVE)
		return -1;

	memset(session, 0, sizeof(*session));
	session->fd = intf->fd;
	session->bmc_id = live->v2_data.bmc_id;
	session->console_id = live->v2_data.console_id;
	session->out_sequence = live->out_seq;
	session->authentication = live->v2_data.auth_alg;
	session->integrity = live->v2_data.integrity_alg;
	session->confidentiality = live->v2_data.crypt_alg;
	if (live->v2_data.k1_len > sizeof(session->k1) || live->v2_data.k2_len > sizeof(session->k2))
		return -1;
	session->k1_length = live->v2_data.k1_len;
	session->k2_length = live->v2_data.k2_len;
	memcpy(session->k1, live->v2_data.k1, session->k1_length);
	memcpy(session->k2, live->v2_data.k2, session->k2_length);
	return 0;
}

void
fwupdate_shim_set_out_sequence(struct fwupdate_interface *interface, uint32_t out_sequence)
{
	struct ipmi_intf *intf = native(interface);

	if (intf->session)
		intf->session->out_seq = out_sequence ? out_sequence : 1;
}

void
fwupdate_shim_forget_session(struct fwupdate_interface *interface)
{
	/* lanplus sends Close Session only while this is clear. */
	native(interface)->abort = 1;
}

int
fwupdate_shim_reopen(struct fwupdate_interface *interface, int patience)
{
	struct ipmi_intf *intf = native(interface);
	const struct ipmi_session_params saved = intf->ssn_params;
	const uint32_t saved_target_address = intf->target_addr;
	int result;

	if (!intf->open || !intf->close)
		return -1;
	if (verbose == 0)
		log_level_set(LOG_NOTHING); /* a BMC that restarts is no error */
	if (intf->opened) {
		intf->abort = 1;
		intf->close(intf);
	}
	if (patience > 0) {
		intf->ssn_params.retry = patience;
		intf->ssn_params.timeout = 1;
	}
	result = intf->open(intf) < 0 ? -1 : 0;
	/* open() has its own ideas of the first two; the cipher suite found remains. */
	intf->ssn_params.retry = saved.retry;
	intf->ssn_params.timeout = saved.timeout;
	if (result == 0 && intf->session)
		intf->session->timeout = saved.timeout;
	intf->target_addr = saved_target_address;
	log_level_set(verbose);
	return result;
}

void
fwupdate_shim_log(enum fwupdate_log_level level, const char *line)
{
	static const int levels[] = {LOG_ERR, LOG_NOTICE, LOG_INFO, LOG_DEBUG};

	lprintf(levels[level], "%s", line);
}

static void
catch_signal(int signal_number)
{
	if (interrupted)
		_exit(128 + signal_number);
	interrupted = 1;
}

int
fwupdate_shim_interrupted(void)
{
	return interrupted != 0;
}

int
ipmi_fwupdate_main(struct ipmi_intf *intf, int argc, char **argv)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction saved[sizeof(caught) / sizeof(caught[0])];
	struct sigaction action;
	size_t at;
	int code;

	/* ipmitool's own handler closes the session from inside the signal and exits: a transfer could not say how to
	 * go on. No SA_RESTART: a wait for an answer ends. */
	interrupted = 0;
	memset(&action, 0, sizeof(action));
	action.sa_handler = catch_signal;
	sigemptyset(&action.sa_mask);
	for (at = 0; at < sizeof(caught) / sizeof(caught[0]); ++at)
		sigaction(caught[at], &action, &saved[at]);

	code = fwupdate_plugin_main((struct fwupdate_interface *)intf, argc, argv);

	for (at = 0; at < sizeof(caught) / sizeof(caught[0]); ++at)
		sigaction(caught[at], &saved[at], NULL);
	fflush(stdout);
	return code == 0 ? 0 : -(FWUPDATE_EXIT_BASE + (code & 0xFF));
}
