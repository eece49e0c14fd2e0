/* The ends of channels as sources to wait for (object/wait_any.h). A source is ready as soon as a call that
** does not wait would not fail with FM_TIMEOUT: it would succeed, or fail for another reason. */
#ifndef FILEMAP_SOURCE_H
#define FILEMAP_SOURCE_H

#include "../object/pollable.h"
#include "../object/wait_any.h"

FM_BEGIN_HIDDEN

/* Each fills `out` for one wait. FM_DENIED for an end that cannot receive, and in a forked child. */
int fm_listener_source(fm_listener *l, fm_source *out, fm_error *e);
int fm_conn_source(fm_conn *c, fm_source *out, fm_error *e);
int fm_mailslot_source(fm_mailslot *m, fm_source *out, fm_error *e);
int fm_state_source(fm_state *s, fm_source *out, fm_error *e);

/* Each returns the object's handle for event loops, with the same failures. */
int fm_listener_pollable(fm_listener *l, intptr_t *out, fm_error *e);
int fm_conn_pollable(fm_conn *c, intptr_t *out, fm_error *e);
int fm_mailslot_pollable(fm_mailslot *m, intptr_t *out, fm_error *e);
int fm_state_pollable(fm_state *s, intptr_t *out, fm_error *e);

FM_END_HIDDEN

#endif
