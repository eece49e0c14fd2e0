/* Named events that belong to a named section: processes wait by them (wait.c), and show by them that they
** live (seat.c). */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

#include <stdio.h>
#include <wchar.h>

/* The longest name of an event: that of the section, a kind and a number. A section may have the name of an
** event too, since any text is a name. So the text between them is one that no program chooses by chance. */
enum { EVENT_NAME_SIZE = FM_NAME_SIZE + 32 };

static int event_name(wchar_t out[EVENT_NAME_SIZE], const fm_section *s, const wchar_t *kind, uint32_t number,
                      fm_error *e)
{
  wchar_t name[FM_NAME_SIZE];
  const int code = fm_win32_name(name, s->name, e);
  if (code != FM_OK) return code;
  _snwprintf(out, EVENT_NAME_SIZE, L"%ls:filemap-%ls%lu", name, kind, (unsigned long)number);
  out[EVENT_NAME_SIZE - 1] = 0;
  return FM_OK;
}

int fm_win32_create_event(HANDLE *out, bool *existed, const fm_section *s, const fm_section_event *event,
                          fm_error *e)
{
  wchar_t name[EVENT_NAME_SIZE];
  SECURITY_ATTRIBUTES attributes = {sizeof attributes, NULL, FALSE};
  int code = event_name(name, s, event->kind, event->number, e);
  if (code == FM_OK) code = fm_win32_event_security(&attributes.lpSecurityDescriptor, s, e);
  if (code != FM_OK) return code;
  SetLastError(0);
  *out = CreateEventExW(&attributes, name, CREATE_EVENT_MANUAL_RESET, event->rights);
  DWORD error = GetLastError();
  LocalFree(attributes.lpSecurityDescriptor);
  *existed = error == ERROR_ALREADY_EXISTS;
  /* A process that may not create objects in this directory can still open them. */
  if (!*out && error == ERROR_ACCESS_DENIED) {
    *out = OpenEventW(event->rights, FALSE, name);
    *existed = *out || GetLastError() == ERROR_ACCESS_DENIED;
  }
  return *out ? FM_OK : fm_fail_native(e, (long)error);
}

/* The event is not opened, since its name would then exist until the handle is closed, even if its last
** holder closes it meanwhile. Opening the name as a mutex fails with ERROR_INVALID_HANDLE if an event has
** it. */
bool fm_win32_event_exists(const fm_section *s, const fm_section_event *event)
{
  wchar_t name[EVENT_NAME_SIZE];
  if (event_name(name, s, event->kind, event->number, NULL) != FM_OK) return false;
  const HANDLE mutex = OpenMutexW(SYNCHRONIZE, FALSE, name);
  if (!mutex) return GetLastError() != ERROR_FILE_NOT_FOUND;
  CloseHandle(mutex);
  return true;
}

#endif
