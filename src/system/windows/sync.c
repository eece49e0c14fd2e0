/* Mutexes, semaphores and events. They are the system's own objects, so other programs and this library can
** open each other's. Handles get only the rights that waiting and posting need. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

#include <stdlib.h>
#include <string.h>

#ifndef SEMAPHORE_MODIFY_STATE
#define SEMAPHORE_MODIFY_STATE 0x0002
#endif

typedef struct object {
  fm_sync base;
  _Atomic(DWORD) thread; /* mutex: the one that holds it by this object, 0 if none does */
  uint32_t held;         /* how often that thread has locked it by this object */
  HANDLE handle;
  struct object *next; /* of this process's mutexes */
} object;

static object *to_object(fm_sync *s)
{
  return (object *)(void *)s;
}

static HANDLE handle_of(const fm_sync *s)
{
  return ((const object *)(const void *)s)->handle;
}

/* {-- The mutexes of this process ---------------------------------------------------------------
**
** A thread that holds a mutex can unlock it by any object of that name in this process. When an object
** is closed, the mutex is unlocked as often as it was locked by that object and not unlocked since.
** The process lock protects the list. Only the thread that holds a mutex by an object stores its
** number there. So a thread that reads another number knows that it does not hold the mutex there,
** whatever other threads do then. */

static object *mutexes;

static void add_to_list(object *x)
{
  fm_sys_lock_process();
  x->next = mutexes;
  mutexes = x;
  fm_sys_unlock_process();
}

static void remove_from_list(object *x)
{
  fm_sys_lock_process();
  object **at = &mutexes;
  while (*at && *at != x) at = &(*at)->next;
  if (*at) *at = x->next;
  fm_sys_unlock_process();
}

static bool have_same_name(const object *x, const object *y)
{
  fm_name a, b;
  fm_name_parse(&a, x->base.name, NULL);
  fm_name_parse(&b, y->base.name, NULL);
  return a.kind == b.kind && strcmp(a.rest, b.rest) == 0;
}

static bool is_held(const object *x)
{
  return atomic_load_explicit(&x->thread, memory_order_relaxed) == GetCurrentThreadId();
}

static void set_held(object *x, uint32_t times)
{
  x->held = times;
  atomic_store_explicit(&x->thread, times ? GetCurrentThreadId() : 0, memory_order_relaxed);
}

/* This thread has locked the mutex once by `x`. A thread that ended while it held the mutex left a count. */
static void count_lock(object *x)
{
  set_held(x, is_held(x) ? x->held + 1 : 1);
}

/* This thread has unlocked the mutex once by `x`: counts that where the thread locked it. */
static void count_unlock(object *x)
{
  fm_sys_lock_process();
  object *locked = x;
  if (!is_held(x)) {
    locked = mutexes;
    while (locked && !(is_held(locked) && have_same_name(locked, x))) locked = locked->next;
  }
  if (locked) set_held(locked, locked->held - 1);
  fm_sys_unlock_process();
}

/* {-- Opening ----------------------------------------------------------------------------------- */

/* Waiting and posting need these rights. The thread that owns a mutex may release it without a further
** right. */
static DWORD rights_of(fm_sync_kind kind)
{
  if (kind == FM_MUTEX) return SYNCHRONIZE;
  return SYNCHRONIZE | (DWORD)(kind == FM_EVENT ? EVENT_MODIFY_STATE : SEMAPHORE_MODIFY_STATE);
}

static HANDLE open_rights(fm_sync_kind kind, DWORD rights, const wchar_t *name)
{
  if (kind == FM_MUTEX) return OpenMutexW(rights, FALSE, name);
  return kind == FM_EVENT ? OpenEventW(rights, FALSE, name) : OpenSemaphoreW(rights, FALSE, name);
}

/* If the object grants no more than waiting, it is opened for waiting alone. */
static HANDLE open_object(fm_sync_kind kind, const wchar_t *name)
{
  HANDLE handle = open_rights(kind, rights_of(kind), name);
  if (!handle && GetLastError() == ERROR_ACCESS_DENIED) handle = open_rights(kind, SYNCHRONIZE, name);
  return handle;
}

static HANDLE make_object(fm_sync_kind kind, const wchar_t *name, const fm_sync_options *o, void *security)
{
  SECURITY_ATTRIBUTES attributes = {sizeof attributes, security, FALSE};
  if (kind == FM_MUTEX) return CreateMutexExW(&attributes, name, 0, rights_of(kind));
  if (kind == FM_SEMAPHORE)
    return CreateSemaphoreExW(&attributes, (LONG)o->initial, (LONG)o->max, name, 0, rights_of(kind));
  const DWORD flags = (o->manual ? CREATE_EVENT_MANUAL_RESET : 0u) | (o->set ? CREATE_EVENT_INITIAL_SET : 0u);
  return CreateEventExW(&attributes, name, flags, rights_of(kind));
}

static int fail_open(fm_error *e, DWORD error)
{
  if (error == ERROR_INVALID_HANDLE)
    return fm_win32_fail_as(e, FM_INVALID, error, "the name stands for another kind of object");
  return fm_fail_native(e, (long)error);
}

static int make_or_open(HANDLE *out, bool *created, fm_sync_kind kind, const wchar_t *name,
                        const fm_sync_options *o, void *security, fm_error *e)
{
  DWORD error = ERROR_FILE_NOT_FOUND;
  *out = open_object(kind, name);
  if (!*out && (error = GetLastError()) == ERROR_FILE_NOT_FOUND && !o->existing) {
    SetLastError(0);
    *out = make_object(kind, name, o, security);
    error = GetLastError();
    *created = *out && error != ERROR_ALREADY_EXISTS;
    /* Another process created it meanwhile, and it grants fewer rights than creating asks for. */
    if (!*out && error == ERROR_ACCESS_DENIED) *out = open_object(kind, name);
  }
  return *out ? FM_OK : fail_open(e, error);
}

static int open_sync(fm_sync *s, bool *created, const fm_name *name, const fm_sync_options *o, fm_error *e)
{
  object *x = to_object(s);
  wchar_t wide[FM_NAME_SIZE];
  void *security = NULL;
  int code = fm_win32_name(wide, name->full, e);
  if (code == FM_OK) code = fm_win32_read_sddl(&security, o->sddl, e);
  if (code == FM_OK) code = make_or_open(&x->handle, created, s->kind, wide, o, security, e);
  LocalFree(security);
  if (code == FM_OK && s->kind == FM_MUTEX) add_to_list(x);
  return code;
}

/* {-- Using ------------------------------------------------------------------------------------- */

/* Waits in parts, since the system counts milliseconds in 32 bits. Fractions of a millisecond are rounded
** up. */
static DWORD wait_for(HANDLE handle, double timeout)
{
  enum { PART = 1000000 }; /* seconds */
  if (timeout >= FM_FOREVER) return WaitForSingleObject(handle, INFINITE);
  const double until = fm_now() + timeout;
  for (;;) {
    const double ms = (timeout < PART ? timeout : PART) * 1e3;
    const DWORD result = WaitForSingleObject(handle, (DWORD)ms < ms ? (DWORD)ms + 1 : (DWORD)ms);
    timeout = until - fm_now();
    if (result != WAIT_TIMEOUT || timeout <= 0) return result;
  }
}

static int wait_sync(fm_sync *s, double timeout, bool *abandoned, fm_error *e)
{
  const DWORD result = wait_for(handle_of(s), timeout);
  if (result == WAIT_TIMEOUT) return fm_fail(e, FM_TIMEOUT, NULL);
  if (result != WAIT_OBJECT_0 && result != WAIT_ABANDONED) return fm_win32_fail(e);
  *abandoned = result == WAIT_ABANDONED;
  if (s->kind == FM_MUTEX) count_lock(to_object(s));
  return FM_OK;
}

static int unlock(fm_sync *s, fm_error *e)
{
  if (!ReleaseMutex(handle_of(s))) {
    const DWORD error = GetLastError();
    if (error != ERROR_NOT_OWNER) return fm_fail_native(e, (long)error);
    return fm_win32_fail_as(e, FM_INVALID, error, "this thread does not hold it");
  }
  count_unlock(to_object(s));
  return FM_OK;
}

static int post_sync(fm_sync *s, uint32_t count, fm_error *e)
{
  if (s->kind == FM_MUTEX) return unlock(s, e);
  const HANDLE handle = handle_of(s);
  const BOOL done = s->kind == FM_EVENT ? SetEvent(handle) : ReleaseSemaphore(handle, (LONG)count, NULL);
  return done ? FM_OK : fm_win32_fail(e);
}

static int reset_sync(fm_sync *s, fm_error *e)
{
  return ResetEvent(handle_of(s)) ? FM_OK : fm_win32_fail(e);
}

static int look(fm_source *source, bool thoroughly, fm_error *e)
{
  (void)thoroughly;
  return wait_sync(source->object, 0, &source->abandoned, e);
}

static void note_acquired(fm_source *source)
{
  fm_sync *s = source->object;
  if (s->kind == FM_MUTEX) count_lock(to_object(s));
}

static int fill_source(fm_sync *s, fm_source *out, fm_error *e)
{
  (void)e;
  *out = (fm_source){.object = s, .handle = (intptr_t)handle_of(s), .look = look, .acquired = note_acquired};
  return FM_OK;
}

/* An event loop waits for the object itself. A wait for an automatic event resets it. */
static int get_pollable(fm_sync *s, intptr_t *out, fm_error *e)
{
  if (s->kind != FM_EVENT)
    return fm_fail(e, FM_INVALID, "only an event and the end of a channel can be polled");
  *out = (intptr_t)handle_of(s);
  return FM_OK;
}

/* Closing the handle of a mutex does not release it, so release it first. */
static void close_sync(fm_sync *s)
{
  object *x = to_object(s);
  remove_from_list(x);
  if (is_held(x))
    for (; x->held > 0 && ReleaseMutex(x->handle); x->held--) {}
  CloseHandle(handle_of(s));
}

static const fm_sync_class class = {
  .size = sizeof(object), .open = open_sync, .wait = wait_sync, .post = post_sync, .reset = reset_sync,
  .source = fill_source, .pollable = get_pollable, .close = close_sync,
};

const fm_sync_class *fm_sys_sync_class(fm_sync_kind kind, const fm_name *name)
{
  (void)kind, (void)name;
  return &class;
}

int fm_sys_sync_unlink(const fm_name *name, fm_error *e)
{
  (void)name;
  return fm_fail(e, FM_UNSUPPORTED, "Windows removes a name together with its last holder");
}

#endif
