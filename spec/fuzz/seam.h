/* A seam for the fuzzers of channels, in the place of src/native: one section of memory, whose bounds the sanitizers
** know, a clock that goes on by itself, and seats that an enemy takes and leaves. He makes sections, too. */
#ifndef FILEMAP_FUZZ_SEAM_H
#define FILEMAP_FUZZ_SEAM_H

#include "../../src/object/object.h"
#include "fuzz.h"

/* What may come of each call by the seam: what he cut off, memory that the system does not have, and what opens only
** to read. */
enum { SEAM_CODES = CODE(FM_TRUNCATED) | CODE(FM_NO_MEMORY) | CODE(FM_DENIED) };

void seam_begin(void);

/* Nothing of ours may be left. */
void seam_end(void);

/* The enemy makes the section, if there is none, as large as he says: a header of that kind with those sizes, of which
** he may have damaged some, and behind it anything. It is only reserved, and he has taken a part of it, if he likes. */
void seam_plant(fm_object_kind kind, const uint32_t sizes[4], size_t size);

/* The process forks, and goes on as the child. */
void seam_fork(void);

/* A time-out of little, or none. */
double seam_timeout(void);

#endif
