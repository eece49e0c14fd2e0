/* Mumble Link, as the Mumble project documents it for games ("Link plugin", positional audio): the memory is
** called "MumbleLink" on Windows and "/MumbleLink.<uid>" elsewhere. Names and types are the published ones.
** */
#ifndef MUMBLE_LINK_H
#define MUMBLE_LINK_H

#include <assert.h>
#include <stdint.h>
#include <wchar.h>

#define MUMBLE_LINK_NAME "MumbleLink"
#define MUMBLE_LINK_VERSION 2

struct LinkedMem {
	uint32_t uiVersion;
	uint32_t uiTick;
	float	fAvatarPosition[3];
	float	fAvatarFront[3];
	float	fAvatarTop[3];
	wchar_t	name[256];
	float	fCameraPosition[3];
	float	fCameraFront[3];
	float	fCameraTop[3];
	wchar_t	identity[256];
	uint32_t context_len;
	unsigned char context[256];
	wchar_t description[2048];
};

static_assert(sizeof(struct LinkedMem) == 340 + 2560 * sizeof(wchar_t), "LinkedMem has no padding");

#endif /* MUMBLE_LINK_H */
