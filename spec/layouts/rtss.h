/* The shared memory of RivaTuner Statistics Server ("RTSSSharedMemoryV2"), as its SDK publishes it
** (RTSSSharedMemory.h), version 2.0: what later versions append to the entries is left out, as a program of
** that time would have it. The SDK declares the entries inside of the whole; C has no such thing. */
#ifndef _RTSS_SHARED_MEMORY_INCLUDED_
#define _RTSS_SHARED_MEMORY_INCLUDED_

#ifdef _WIN32
#include <windows.h>
#else
#include "windows_names.h"
#endif

#define STATFLAG_RECORD			0x00000001
#define SCREENCAPTUREFLAG_REQUEST_CAPTURE (1 << 0)
#define RTSS_SIGNATURE ('R' << 24 | 'T' << 16 | 'S' << 8 | 'S')

	//OSD slot descriptor structure
typedef struct RTSS_SHARED_MEMORY_OSD_ENTRY
{
	char	szOSD[256];
	char	szOSDOwner[256];
} RTSS_SHARED_MEMORY_OSD_ENTRY, *LPRTSS_SHARED_MEMORY_OSD_ENTRY;

	//application descriptor structure
typedef struct RTSS_SHARED_MEMORY_APP_ENTRY
{
	DWORD	dwProcessID;
	char	szName[MAX_PATH];
	DWORD	dwFlags;

	DWORD	dwTime0;
	DWORD	dwTime1;
	DWORD	dwFrames;
	DWORD	dwFrameTime;

	DWORD	dwStatFlags;
	DWORD	dwStatTime0;
	DWORD	dwStatTime1;
	DWORD	dwStatFrames;
	DWORD	dwStatCount;
	DWORD	dwStatFramerateMin;
	DWORD	dwStatFramerateAvg;
	DWORD	dwStatFramerateMax;

	DWORD	dwOSDX;
	DWORD	dwOSDY;
	DWORD	dwOSDPixel;
	DWORD	dwOSDColor;
	DWORD	dwOSDFrame;

	DWORD	dwScreenCaptureFlags;
	char	szScreenCapturePath[MAX_PATH];
} RTSS_SHARED_MEMORY_APP_ENTRY, *LPRTSS_SHARED_MEMORY_APP_ENTRY;

typedef struct RTSS_SHARED_MEMORY
{
	DWORD	dwSignature;
	DWORD	dwVersion;

	DWORD	dwAppEntrySize;
	DWORD	dwAppArrOffset;
	DWORD	dwAppArrSize;

	DWORD	dwOSDEntrySize;
	DWORD	dwOSDArrOffset;
	DWORD	dwOSDArrSize;

	DWORD	dwOSDFrame;

	RTSS_SHARED_MEMORY_OSD_ENTRY arrOSD[8];
	RTSS_SHARED_MEMORY_APP_ENTRY arrApp[256];
} RTSS_SHARED_MEMORY, *LPRTSS_SHARED_MEMORY;

#endif //_RTSS_SHARED_MEMORY_INCLUDED_
