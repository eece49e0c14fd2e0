/* The fuzzers of channels run on the simulated system (spec/simulated/), in which a hostile process acts.
** That process writes any word of the newest section, acquires and releases seats, truncates the memory, and
** can make the section too. */
#ifndef FILEMAP_FUZZ_SEAM_H
#define FILEMAP_FUZZ_SEAM_H

#include "../../src/object/object.h"
#include "fuzz.h"

/* The codes that the system can cause in each call: the hostile process truncated the section, memory is
** exhausted, or the section can only be opened for reading. */
enum { SEAM_CODES = CODE(FM_TRUNCATED) | CODE(FM_NO_MEMORY) | CODE(FM_DENIED) };

void seam_begin(void);

/* Checks that no object is left open. */
void seam_end(void);

/* The hostile process makes the section "it", if there is none, with this size. It writes a header of that
** kind and version with those sizes, of which one field may be damaged. The section may be only reserved,
** with a part of it committed. */
void seam_plant(fm_object_kind kind, uint16_t version, const uint32_t sizes[4], size_t size);

/* The same by the name of a sync object. */
void seam_plant_sync(fm_object_kind kind, uint16_t version, const uint32_t sizes[4], size_t size);

/* The process forks, and continues as the child. */
void seam_fork(void);

/* A time-out between 0 and 1 second. */
double seam_timeout(void);

#endif
