/* The code that all sync objects in shared memory share. */
#include "shared.h"

int fm_shared_open(fm_shared *s, const fm_role *role, bool *created, const fm_name *name,
                   const fm_sync_options *o, uint32_t value, fm_error *e)
{
  fm_shared_words first = {
    .header = {.size = sizeof first, .sizes = {[FM_SHARED_MAX] = o->max, [FM_SHARED_MANUAL] = o->manual}},
    .value = value,
  };
  fm_options options = fm_default_options();
  options.mode = o->mode;
  options.sddl = o->sddl;
  const fm_object_request r = {.name = name->full, .existing = o->existing, .first = &first.header,
                               .first_size = sizeof first, .options = &options};
  const int code = fm_object_open(&s->object, role, &r, e);
  if (code == FM_OK) *created = s->object.created;
  return code;
}

void fm_shared_close(fm_sync *s)
{
  fm_object_close(&fm_shared_of(s)->object);
}

bool fm_shared_check(const fm_header *h, uint64_t *view_size)
{
  *view_size = sizeof(fm_shared_words);
  return h->sizes[FM_SHARED_MAX] <= FM_COUNT_MAX;
}

int fm_shared_attach(fm_object *o, fm_error *e)
{
  return fm_object_wait_point(o, FM_SHARED_CHANGED, 0, &fm_shared_words_of(fm_shared_of_object(o))->changed,
                              e);
}
