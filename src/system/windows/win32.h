/* What the files of the Win32 body share. Where their comments quote a rule, it is from the page of the call
** concerned on learn.microsoft.com. */
#ifndef FILEMAP_WIN32_H
#define FILEMAP_WIN32_H

#include "../system.h"

#if FM_SYSTEM_WINDOWS

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

/* {-- Errors and text (text.c) ------------------------------------------------------------ */

/* Fails by GetLastError. */
int fm_win32_fail(fm_error *e);

/* For what the number means only here, so that the table must not know it. */
int fm_win32_fail_as(fm_error *e, fm_code code, DWORD native, const char *sentence);

int fm_win32_fail_small(fm_error *e, uint64_t has, uint64_t wanted);

/* UTF-8 to UTF-16. The second and third give what is to be freed; the third is the absolute path, which may
** be longer than MAX_PATH. */
int fm_win32_name(wchar_t out[FM_NAME_SIZE], const char *name, fm_error *e);
int fm_win32_wide(wchar_t **out, const char *text, fm_error *e);
int fm_win32_path(wchar_t **out, const char *path, fm_error *e);

/* A function of ntdll, of which not every compiler has an import library. Each process has it loaded. */
FARPROC fm_win32_ntdll(const char *name);

/* {-- Sections (section.c) -------------------------------------------------------------------- */

static inline HANDLE fm_win32_handle(intptr_t handle)
{
  return (HANDLE)handle;
}

/* What fm_win32_make_section makes. */
typedef struct fm_section_spec {
  HANDLE file; /* INVALID_HANDLE_VALUE: memory of its own */
  DWORD protect;
  uint64_t size;    /* 0: the file's */
  const char *name; /* NULL or empty: none */
  void *security;   /* a security descriptor, or NULL */
  bool inherit;
  bool shared;      /* one that has the name already will do */
} fm_section_spec;

int fm_win32_make_section(HANDLE *out, const fm_section_spec *s, fm_error *e);

/* How large a section is, and whether each access must ask if its pages are there. */
int fm_win32_measure(uint64_t *size, bool *reserved, HANDLE section, fm_error *e);

/* The protection of a section of which any view may be asked that an access allows. */
DWORD fm_win32_protection(bool write, bool execute);

/* FM_EXISTS if a section has that name; NULL and "" are free. What is taken is told before anything else is:
** a file is not touched (a section is made after its file has grown, and if the name is taken by another one
** over the same file, that one keeps the file from shrinking again), and the memory that is free does not
** matter. */
int fm_win32_check_free(const char *name, fm_error *e);

/* {-- Security descriptors (security.c) ------------------------------------------------------------------- */

/* Each stores a security descriptor in *out, which the caller frees with LocalFree.
**
** fm_win32_read_sddl       Reads it from text. NULL leaves *out as it is.
** fm_win32_copy_security   Copies the access list of an object. The handle must have the right READ_CONTROL.
** fm_win32_event_security  Makes one for an event of a section, so that the same users may use both. It leaves *out
**                          as it is if this process may not read the section's. */
int fm_win32_read_sddl(void **out, const char *sddl, fm_error *e);
int fm_win32_copy_security(void **out, HANDLE object, fm_error *e);
int fm_win32_event_security(void **out, const fm_section *s, fm_error *e);

/* {-- Events of a section (section_event.c) --------------------------------------------------------------- */

typedef struct fm_section_event {
  const wchar_t *kind;
  uint32_t number; /* tells the events of one kind apart */
  DWORD rights;    /* of the handle */
} fm_section_event;

/* Creates or opens an event. *existed is true if it exists already, also if this process may not open it:
** then the call fails with FM_DENIED. */
int fm_win32_create_event(HANDLE *out, bool *existed, const fm_section *s, const fm_section_event *event,
                          fm_error *e);
bool fm_win32_event_exists(const fm_section *s, const fm_section_event *event);

#endif
#endif
