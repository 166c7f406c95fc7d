/* The firmware-transfer protocol as a finite model: client, lossy wire, BMC agent, another administrator.
 *
 * What is modelled, what is left out and what is proven: README.md beside this file. States and transitions are those
 * of protocol-spec/state_table.hpp; the rules are the specification's on owner, lease, duplicates and resume.
 * tests/protocol-spec/model/check.sh checks every property, and that every mutant breaks one.
 *
 * Build switches:
 *   PROFILE=BASE or EXTENDED  what the client speaks
 *   BLOCKS=n                  blocks of the image
 *   NO_OTHER                  without the other administrator
 *   WHOLE                     nothing is taken off the wire or forgotten early to save states
 *   FAULTS=n                  n faults at most; without it any number, at any time
 *   PATIENT                   bounded loss, timers longer than the round trip: for the liveness property `finishes`
 *   LEASE_CLOCK               the lease expires by its clock, not at any time: for `lease_ends`
 *   MUTANT_...                one rule broken each
 */

/* --------------------------------------------------------------------------------------------------- constants */

#define BASE     0
#define EXTENDED 1

/* Update states (protocol-spec/messages.hpp, UpdateState). READY stands for host_restart_required as well. */
#define INIT     0
#define IDLE     1
#define DOWNLOAD 2
#define VERIFY   3
#define PROGRAM  4
#define READY    5
#define ERROR    6

/* Commands; also the client's steps: a step is the command it waits for. */
#define NOTHING  0
#define ASK      1  /* 26h: the challenge */
#define ENTER    2  /* 27h */
#define TAKE     3  /* 42h: take over */
#define OPTIONS  4  /* 2Bh, 43h */
#define START    5  /* 29h-1: base transfer */
#define APPEND   6  /* 2Ch */
#define BEGIN    7  /* 44h: named transfer, resumed if known */
#define FRAGMENT 8  /* 45h: addressed, idempotent, unanswered */
#define MAP      9  /* 46h */
#define COMPLETE 10 /* 29h-2 */
#define POLL     11 /* 2Ah */
#define EXIT     12 /* 28h */
#define DONE     13

#if PROFILE == BASE
#define START_OF_PROFILE START
#else
#define START_OF_PROFILE BEGIN
#endif

#define ALL_BLOCKS ((1 << BLOCKS) - 1) /* bit map of an extended-profile image */

/* Completion codes, by what the client makes of them. */
#define OK         0
#define BUSY       1 /* C0h: the mode is held */
#define BAD        2 /* CCh: wrong, used or expired challenge */
#define REFUSED    3 /* D5h: not the owner, or not in this state */
#define INCOMPLETE 4 /* 82h: blocks are missing */

#define CLIENT 0
#define OTHER  1

/* The client's sessions: the present one, and the one it lost before, which the agent may still believe alive. */
#define LOST    0
#define PRESENT 1
#define ENDED   2 /* owner_session only */

#ifdef FAULTS
byte faults = FAULTS; /* crashes, lost sessions, expiries, early timers left */
#define fault_possible (faults > 0)
#define take_fault     faults--
#else
#define fault_possible true
#define take_fault     skip
#endif

/* ----------------------------------------------------------------------------------------------------- the wire */

typedef Message
{
    byte command;  /* NOTHING: the slot is free */
    bit session;
    bit sequence;  /* requester sequence: one bit, so that it wraps within an image as six bits do in reality */
    byte argument; /* FRAGMENT: the block's bit; APPEND: the block's index (ghost: the bytes are all alike) */
    bit old        /* its session sequence is below that of the session's newest request */
};
Message wire[2];   /* requests in flight, oldest first; either may arrive next */

typedef Reply
{
    bit here;
    byte code;
    byte value
};
Reply reply;       /* to the present request; the client ignores all others */

#ifdef MUTANT_STALE_RESPONSE
bit late_reply, late_sequence; /* one more answer to a 2Ch, overtaken by others */
#endif
#ifdef PATIENT
bit lost_reply, lost_request, lost_fragment; /* the last one was lost: the next one gets through */
#endif

/* ---------------------------------------------------------------------------------------------------- the agent */

byte state = INIT;
bit owner;             /* user */
byte owner_session;    /* of the client's, if it is the owner */
bit restarting;        /* 28h answered, the restart follows */
bit kind;              /* of the transfer: profile */
byte length;           /* base: blocks appended */
byte present;          /* extended, durable: the map of blocks of the client's named image */
byte challenge;        /* valid for the client: 1 + the session it was given in; 0: none */
bit alive[2];          /* the client's sessions, as the agent sees them */

typedef Remembered     /* a session's last request, for duplicates */
{
    byte command;
    bit sequence;
    byte code
};
Remembered last[2];
#ifdef MUTANT_CACHE_TOO_LONG
bit appended[2];       /* by requester sequence, kept whatever came since */
#endif

byte code, value;      /* of the answer being made or read; 0 between steps */

#ifdef LEASE_CLOCK
bit fresh;             /* the owner was heard since the lease's clock last looked */
#define renew fresh = 1
#else
#define renew skip
#endif

/* Ghosts: what really happened, whatever the state says. */
bit verified;          /* what is staged passed verification */
bit programmed;        /* what was verified is on the target */
bit writing;           /* the target is being written */
bit spent;             /* the valid challenge was accepted before */
bit torn;              /* the map claims a block that is not on the disk */

#define lease_state (state == IDLE || state == DOWNLOAD || state == READY || state == ERROR)

/* --------------------------------------------------------------------------------------------------- the client */

byte step = ASK;
byte known;            /* index of the next 2Ch, or bits of blocks the agent said it has */
bit sequence;
bit finished;          /* it saw ready or error */
bit client_gone, other_gone; /* they will never send again */

#define silent ((owner == CLIENT && client_gone) || (owner == OTHER && other_gone))

/* --------------------------------------------------------------------------------------------------- properties */

ltl never_programmed_without_verified { [] ((state == PROGRAM) -> verified) }
ltl never_ready_without_programmed { [] ((state == READY) -> programmed) }
ltl lease_ends { [] ((state != INIT && silent) -> <> (state == INIT || !silent)) }
ltl finishes { <> finished }

/* ------------------------------------------------------------------------------------------- wire: its housekeeping */

inline clear(slot)
{
    wire[slot].command = NOTHING;
    wire[slot].session = 0;
    wire[slot].sequence = 0;
    wire[slot].argument = 0;
    wire[slot].old = 0
}

/* The oldest comes first. */
inline close_gap()
{
    if
    :: wire[0].command == NOTHING && wire[1].command != NOTHING ->
        wire[0].command = wire[1].command;
        wire[0].session = wire[1].session;
        wire[0].sequence = wire[1].sequence;
        wire[0].argument = wire[1].argument;
        wire[0].old = wire[1].old;
        clear(1)
    :: else
    fi
}

inline clear_session(s)
{
    if
    :: wire[0].session == s -> clear(0)
    :: else
    fi;
    if
    :: wire[1].session == s -> clear(1)
    :: else
    fi;
    close_gap()
}

inline clear_reply()
{
    reply.here = 0;
    reply.code = OK;
    reply.value = 0
}

inline forget_last(s)
{
    last[s].command = NOTHING;
    last[s].sequence = 0;
    last[s].code = OK
}

/* What nobody can see any more is forgotten, for fewer states: the lost session's last request once nothing of that
   session is on its way, and whether it lives, unless it owns the mode. */
inline settle()
{
    if
    :: (wire[0].command == NOTHING || wire[0].session == PRESENT) &&
       (wire[1].command == NOTHING || wire[1].session == PRESENT) ->
        forget_last(LOST);
        alive[LOST] = (owner_session == LOST && alive[LOST])
    :: else
    fi
}

/* Packets of a session that ended fail their MAC. And packets live shorter (seconds) than an idle time-out (a minute):
   when the present session times out, nothing of the one before is on its way any more. */
inline end_session(s)
{
    alive[s] = 0;
    forget_last(s);
    clear_session(LOST);
    if
    :: s == PRESENT -> clear_session(PRESENT)
    :: else
    fi
}

/* ----------------------------------------------------------------------------------------------- agent: its actions */

inline leave_mode()
{
    assert(!writing); /* neither a command nor the lease interrupts programming */
    state = INIT;
    owner = CLIENT;
    owner_session = ENDED;
    settle();
    kind = BASE;
    length = 0;
    verified = 0;
    programmed = 0;
#ifdef LEASE_CLOCK
    fresh = 0
#endif
}

/* The agent stops, wherever it was, and starts again: only durable things are left. */
inline restart_agent()
{
    writing = 0; /* the target is replaced by rename: the old image or the new one, never a mixture */
    leave_mode();
    restarting = 0;
    end_session(LOST);
    end_session(PRESENT);
    challenge = 0
}

inline accept_challenge()
{
    assert(!spent);
#ifndef MUTANT_CHALLENGE_REUSE
    challenge = 0;
#endif
    spent = (challenge != 0)
}

inline open_transfer(which)
{
    state = DOWNLOAD;
    kind = which;
    length = 0;
    verified = 0;
    programmed = 0
}

inline begin_verify()
{
#ifdef MUTANT_SKIP_VERIFY
    state = PROGRAM
#else
    state = VERIFY;
    length = 0
#endif
}

/* From ready, a restart unless deferred (then it is recorded as pending); from any other state none. */
inline exit_mode()
{
    if
    :: state == READY -> assert(programmed); restarting = 1
    :: true
    fi;
    leave_mode()
}

/* ------------------------------------------------------------------------------------- agent: the client's requests */

#ifdef MUTANT_ADOPT_ALIVE
#define may_adopt true
#else
#define may_adopt (owner_session == ENDED || !alive[owner_session])
#endif

/* The owner's session; or, once that ended, another session of the same user, which adopts the mode. */
inline check_owner(request)
{
    if
    :: state != INIT && owner == CLIENT && owner_session == request.session -> renew
    :: state != INIT && owner == CLIENT && owner_session != request.session && may_adopt ->
        owner_session = request.session;
        renew
    :: else -> code = REFUSED
    fi
}

#define opens(request) ((request.command == ENTER && state == INIT) || (request.command == TAKE && state != INIT))
#define has_challenge(request) (challenge == 1 + request.session)

inline execute_open(request)
{
    if
    :: request.command == ASK -> challenge = 1 + request.session; spent = 0
    :: request.command == POLL -> value = state
    :: request.command == ENTER && state != INIT -> code = BUSY
    :: request.command == TAKE && state == INIT -> code = REFUSED
    :: opens(request) && !has_challenge(request) -> code = BAD
    :: opens(request) && has_challenge(request) ->
        accept_challenge();
        state = (request.command == ENTER -> IDLE : state);
        owner = CLIENT;
        owner_session = request.session;
        renew
    fi
}

inline append(request)
{
    assert(request.argument == length); /* neither doubled nor left out */
    assert(!verified && !writing);      /* what is verified is sealed */
    length++
}

#define may_start (state == IDLE || state == DOWNLOAD || state == ERROR)
#ifdef MUTANT_WRITE_AFTER_SEAL
#define may_write (state == DOWNLOAD || state == VERIFY || state == PROGRAM)
#else
#define may_write (state == DOWNLOAD)
#endif
#ifdef MUTANT_EXIT_IN_PROGRAM
#define may_exit (state != INIT)
#else
#define may_exit (state != INIT && state != PROGRAM)
#endif

/* Each command in the states of the table; any other pair is answered D5h. */
inline execute_owned(request)
{
    check_owner(request);
    if
    :: code != OK
    :: code == OK && request.command == OPTIONS && (state == IDLE || state == DOWNLOAD)
    :: code == OK && request.command == START && may_start -> open_transfer(BASE)
    :: code == OK && request.command == BEGIN && may_start -> open_transfer(EXTENDED); value = present
    :: code == OK && request.command == APPEND && kind == BASE && may_write -> append(request)
    :: code == OK && request.command == MAP && kind == EXTENDED && state == DOWNLOAD -> value = present
    :: code == OK && request.command == COMPLETE && state == DOWNLOAD && kind == EXTENDED && present != ALL_BLOCKS ->
        code = INCOMPLETE
    :: code == OK && request.command == COMPLETE && state == DOWNLOAD && kind == EXTENDED && present == ALL_BLOCKS ->
        begin_verify()
    :: code == OK && request.command == COMPLETE && state == DOWNLOAD && kind == BASE ->
        assert(length == BLOCKS);
        begin_verify()
    :: code == OK && request.command == EXIT && may_exit -> exit_mode()
    :: else -> code = REFUSED
    fi
}

/* A block goes to the disk first, then into the map; the agent may stop in between, and the block is not there. */
inline execute_fragment(request)
{
    check_owner(request);
    if
    :: code == OK && state == DOWNLOAD && kind == EXTENDED ->
        assert(!verified && !writing);
        if
        :: present = present | request.argument
        :: fault_possible ->
            take_fault;
#ifdef MUTANT_MAP_BEFORE_DATA
            torn = (torn || !(present & request.argument));
            present = present | request.argument;
#endif
            restart_agent()
        fi
    :: else
    fi
}

inline answer(request)
{
    if
    :: request.session == PRESENT && !request.old ->
        reply.here = 1;
        reply.code = code;
        reply.value = value;
#ifdef PATIENT
        lost_reply = 0
    :: request.session == PRESENT && !request.old && !lost_reply -> lost_reply = 1
#else
    :: true
#endif
#ifdef MUTANT_STALE_RESPONSE
    :: request.command == APPEND && code == OK && request.session == PRESENT ->
        late_reply = 1;
        late_sequence = request.sequence
#endif
    :: request.session != PRESENT || request.old
    fi
}

#define repeats_last(request) \
    (last[request.session].command == request.command && last[request.session].sequence == request.sequence)

#ifdef MUTANT_CACHE_TOO_LONG
#define duplicate(request) (request.command == APPEND -> appended[request.sequence] : repeats_last(request))
#else
#ifdef MUTANT_NO_DUPLICATE_CACHE
#define duplicate(request) false
#else
#define duplicate(request) repeats_last(request)
#endif
#endif

inline execute(request)
{
    if
    :: request.command <= TAKE || request.command == POLL -> execute_open(request)
    :: else -> execute_owned(request)
    fi;
    last[request.session].command = request.command;
    last[request.session].sequence = request.sequence;
    last[request.session].code = code;
#ifdef MUTANT_CACHE_TOO_LONG
    appended[request.sequence] = (request.command == APPEND || appended[request.sequence]);
    if
    :: request.command == START -> appended[0] = 0; appended[1] = 0
    :: else
    fi;
#endif
    answer(request)
}

/* A duplicate is answered as before and not executed. */
inline replay(request)
{
    code = last[request.session].code;
#ifdef MUTANT_CACHE_TOO_LONG
    code = (request.command == APPEND -> OK : code);
#endif
    if
    :: code == OK && request.command == POLL -> value = state
    :: code == OK && (request.command == BEGIN || request.command == MAP) -> value = present
    :: else
    fi;
    answer(request)
}

#ifdef MUTANT_LATE_REQUEST
#define too_old(request) false
#else
#define too_old(request) (request.old)
#endif

/* A request older than the session's newest is never executed; fragments need no such rule, they are idempotent. */
inline receive(request)
{
    if
    :: !alive[request.session]
    :: alive[request.session] && request.command == FRAGMENT -> execute_fragment(request)
    :: alive[request.session] && request.command != FRAGMENT && duplicate(request) -> replay(request)
    :: alive[request.session] && request.command != FRAGMENT && !duplicate(request) && too_old(request)
    :: alive[request.session] && request.command != FRAGMENT && !duplicate(request) && !too_old(request) ->
        execute(request)
    fi;
    code = OK;
    value = 0
}

active proctype Channel()
{
end:
    do
    :: atomic { wire[0].command != NOTHING -> receive(wire[0]); clear(0); close_gap(); settle() }
    :: atomic { wire[1].command != NOTHING -> receive(wire[1]); clear(1); settle() }
    od
}

/* ------------------------------------------------------------------------------------ agent: what goes on by itself */

active proctype Work()
{
end:
    do
    :: atomic { state == VERIFY ->
        if
        :: verified = 1;
            assert(kind == BASE || !torn); /* without a digest the map is the only witness that the image is whole */
#ifdef MUTANT_READY_EARLY
            state = READY
#else
            state = PROGRAM
#endif
        :: state = ERROR /* digest, signature, version, policy */
        fi }
    :: atomic { state == PROGRAM && !writing -> writing = 1 }
    :: atomic { writing ->
        assert(state == PROGRAM && verified);
        writing = 0;
        if
        :: programmed = 1; state = READY
        :: state = ERROR; verified = 0 /* write or read-back failed */
        fi }
    :: atomic { restarting -> restart_agent() }
    od
}

/* Never in verify or program. With its clock: two looks without a word from the owner. */
#ifndef MUTANT_NO_LEASE
active proctype Lease()
{
end:
    do
#ifdef LEASE_CLOCK
    :: atomic { lease_state && fresh -> fresh = 0 }
    :: atomic { lease_state && !fresh -> leave_mode() }
#else
    :: atomic { lease_state && fault_possible -> take_fault; leave_mode() }
#endif
    od
}
#endif

/* What may befall the agent at any time. */
active proctype Misfortune()
{
end:
    do
    :: atomic { fault_possible -> take_fault; restart_agent() }
    :: atomic { fault_possible && challenge != 0 -> take_fault; challenge = 0; spent = 0 }
    :: atomic { fault_possible && alive[LOST] -> take_fault; end_session(LOST) }
    :: atomic { fault_possible && alive[PRESENT] -> take_fault; end_session(PRESENT) }
    od
}

/* ------------------------------------------------------------------------------------------ another administrator */

/* Its commands arrive at once and in any order that the agent allows: more than any client would do. */
#ifndef NO_OTHER
active proctype Other()
{
end:
    do
#ifdef MUTANT_RENEW_BY_OTHERS
    :: atomic { state != INIT && owner == CLIENT -> renew } /* asks for the status, for ever */
#endif
    :: atomic { state == INIT -> state = IDLE; owner = OTHER; renew }
    :: atomic { state != INIT && owner == CLIENT -> owner = OTHER; owner_session = ENDED; settle(); renew }
    :: atomic { owner == OTHER && may_start -> open_transfer(BASE); renew }
    :: atomic { owner == OTHER && state == DOWNLOAD -> begin_verify(); renew }
    :: atomic { owner == OTHER && (state == DOWNLOAD || state == VERIFY || state == ERROR) -> /* abort */
        open_transfer(BASE);
        state = IDLE;
        renew }
    :: atomic { owner == OTHER && may_write -> assert(!verified && !writing); renew }
    :: atomic { owner == OTHER && may_exit -> exit_mode() }
#ifdef LEASE_CLOCK
    :: atomic { other_gone = 1; break }
#endif
    od
}
#endif

/* ------------------------------------------------------------------------------------------------------ the client */

inline place(slot, c, a)
{
    wire[slot].command = c;
    wire[slot].session = PRESENT;
    wire[slot].sequence = (c == FRAGMENT -> 0 : sequence);
    wire[slot].argument = a
}

#define wire_free   (wire[1].command == NOTHING && alive[PRESENT])
#define timer_right (wire[0].command == NOTHING && !reply.here)

/* Once or twice; to a dead session not at all. Twice the same fragment is as good as once. */
inline carry(c, a)
{
    if
    :: wire[0].command == NOTHING -> place(0, c, a)
    :: wire[0].command != NOTHING && wire[1].command == NOTHING -> place(1, c, a)
    :: wire[0].command == NOTHING && wire[1].command == NOTHING && c != FRAGMENT -> place(0, c, a); place(1, c, a)
    fi
}

/* Or lost; a full wire loses. */
inline transmit(c, a)
{
    if
#ifdef PATIENT
    :: wire_free ->
        carry(c, a);
        if
        :: c == FRAGMENT -> lost_fragment = 0
        :: else -> lost_request = 0
        fi
    :: c == FRAGMENT && !lost_fragment -> lost_fragment = 1
    :: c != FRAGMENT && !lost_request -> lost_request = 1
    :: !alive[PRESENT]
#else
    :: wire_free -> carry(c, a)
    :: true
#endif
    fi
}

#define argument_of_step (known * (step == APPEND))

/* What the agent would drop or has answered already needs not be on the wire. */
inline drop_request(slot)
{
    if
    :: wire[slot].session == PRESENT && wire[slot].command != FRAGMENT -> clear(slot)
    :: else
    fi
}

inline drop_effectless(slot)
{
    if
    :: wire[slot].command != FRAGMENT && (wire[slot].old || duplicate(wire[slot]) || !alive[PRESENT]) -> clear(slot)
    :: else
    fi
}

/* The session's next request: what is in flight is older now, and answers to it are ignored from here on. */
inline new_request()
{
    d_step {
#ifdef WHOLE
        sequence = 1 - sequence;
        wire[0].old = (wire[0].old || wire[0].session == PRESENT);
        wire[1].old = (wire[1].old || wire[1].session == PRESENT);
#else
        forget_last(PRESENT);
        drop_request(0);
        drop_request(1);
        close_gap();
#endif
        clear_reply()
    }
}

/* The present session becomes the lost one, as far as the agent believes; one lost before that is over. Of what the
   lost one still has on the wire, only a last request that did not arrive yet can have an effect. */
inline open_session()
{
    d_step {
        clear_session(LOST);
#ifndef WHOLE
        drop_effectless(0);
        drop_effectless(1);
        close_gap();
        clear(1);
        forget_last(PRESENT);
#endif
        wire[0].session = LOST;
        wire[1].session = LOST;
        alive[LOST] = alive[PRESENT];
        last[LOST].command = last[PRESENT].command;
        last[LOST].sequence = last[PRESENT].sequence;
        last[LOST].code = last[PRESENT].code;
        owner_session = (owner_session == PRESENT -> LOST : ENDED);
        challenge = (challenge == 1 + PRESENT -> 1 + LOST : 0);
        spent = (spent && challenge != 0);
        alive[PRESENT] = 1;
        forget_last(PRESENT);
        clear_reply();
        step = ASK;
        sequence = 0;
        known = 0;
        settle()
    }
}

/* What the answer in code and value means for the next step. */
inline go_on()
{
    if
    :: step == ASK ->
        if
        :: step = ENTER
#ifndef PATIENT
        :: step = TAKE
#endif
        fi
    :: (step == ENTER || step == TAKE) && code == OK -> step = OPTIONS
    :: (step == ENTER || step == TAKE) && code == BAD -> step = ASK
    :: step == ENTER && code == BUSY -> /* take over; or go on, in case it is held by its own session of before */
        if
        :: step = TAKE
#ifndef PATIENT
        :: step = OPTIONS
#endif
        fi
    :: step == TAKE && code == REFUSED -> step = ENTER
    :: step == OPTIONS && code == OK -> step = START_OF_PROFILE
    :: step == OPTIONS && code == REFUSED ->
        if
        :: step = POLL
#ifndef PATIENT
        :: step = ENTER /* carelessly, with the challenge it had */
#endif
        fi
    :: step == START && code == OK -> known = 0; step = APPEND
    :: step == APPEND && code == OK -> known++; step = (known == BLOCKS -> COMPLETE : APPEND)
    :: (step == BEGIN || step == MAP) && code == OK ->
        known = value;
        step = (known == ALL_BLOCKS -> COMPLETE : FRAGMENT)
    :: step == COMPLETE && code == OK -> step = POLL
    :: step == COMPLETE && code == INCOMPLETE -> step = MAP
    :: step >= START && step <= COMPLETE && code == REFUSED -> step = ASK
    :: step == POLL && (value == VERIFY || value == PROGRAM)
#ifndef PATIENT
    :: step == POLL && (value == VERIFY || value == PROGRAM) -> step = EXIT /* refused in program */
#endif
    :: step == POLL && (value == READY || value == ERROR) -> finished = 1; step = EXIT
    :: step == POLL && value <= DOWNLOAD -> step = ASK /* restarted, expired, or never its own */
    :: step == EXIT -> step = DONE
    fi;
    known = (step == APPEND || step == FRAGMENT -> known : 0);
#ifndef PATIENT
    finished = 0;
#endif
    code = OK;
    value = 0
}

active proctype Client()
{
connect:
    atomic { open_session() };
next:
    atomic {
        if
        :: step == DONE -> goto gone
        :: step == FRAGMENT ->
            if
#ifdef PATIENT
            :: transmit(FRAGMENT, 1 + (known & 1)) /* one that is missing */
#else
            :: wire[0].command != FRAGMENT -> transmit(FRAGMENT, 1); goto next
#if BLOCKS > 1
            :: wire[0].command != FRAGMENT -> transmit(FRAGMENT, 2); goto next
#endif
            :: true /* any number of them, in any order, without an answer */
#endif
            fi;
            known = 0;
            step = MAP;
            goto next
        :: else -> new_request(); transmit(step, argument_of_step)
        fi
    };
wait:
    do
    :: atomic { reply.here -> code = reply.code; value = reply.value; clear_reply(); go_on(); goto next }
#ifdef MUTANT_STALE_RESPONSE
    :: atomic { late_reply && step == APPEND && late_sequence == sequence ->
        late_reply = 0; late_sequence = 0; go_on(); goto next }
#endif
#ifndef MUTANT_NO_RETRY
#ifdef PATIENT
    :: atomic { timer_right && alive[PRESENT] -> transmit(step, argument_of_step) }
    :: atomic { !timer_right && fault_possible -> take_fault; transmit(step, argument_of_step) }
#else
    :: atomic { wire_free -> carry(step, argument_of_step) }
#endif
#endif
#ifdef PATIENT
    :: atomic { timer_right && !alive[PRESENT] -> goto connect } /* no answer for long */
#else
    :: true -> goto gone
#endif
    :: atomic { fault_possible -> take_fault; goto connect } /* session lost; or killed and started again */
    od;
gone:
    client_gone = 1
}
