/* Connections of a pipe: making one end. The calls of an end are public (filemap.h). */
#ifndef FILEMAP_CONN_H
#define FILEMAP_CONN_H

#include "pipe_table.h"

FM_BEGIN_HIDDEN

/* One try to connect, as a client: FM_NOT_FOUND if no listener lives, FM_FULL if all places are in use. */
int fm_conn_connect(fm_conn **out, const char *name, fm_error *e);

/* Accepts a client of the pipe that a listener has open, and waits up to `timeout` seconds for one at the
** wait point `queued`: FM_TIMEOUT. */
int fm_conn_accept(fm_conn **out, const fm_object *listener, fm_wait_point *queued, double timeout,
                   fm_error *e);

FM_END_HIDDEN

#endif
