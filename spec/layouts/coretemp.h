/* Core Temp's shared memory ("CoreTempMappingObject"), as its developer page publishes it. */
#ifndef CORE_TEMP_H
#define CORE_TEMP_H

#define CORE_TEMP_MAPPING "CoreTempMappingObject"

typedef struct core_temp_shared_data
{
	unsigned int	uiLoad[256];
	unsigned int	uiTjMax[128];
	unsigned int	uiCoreCnt;
	unsigned int	uiCPUCnt;
	float		fTemp[256];
	float		fVID;
	float		fCPUSpeed;
	float		fFSBSpeed;
	float		fMultiplier;
	char		sCPUName[100];
	unsigned char	ucFahrenheit;
	unsigned char	ucDeltaToTjMax;
}CORE_TEMP_SHARED_DATA,*PCORE_TEMP_SHARED_DATA,**PPCORE_TEMP_SHARED_DATA;

#endif
