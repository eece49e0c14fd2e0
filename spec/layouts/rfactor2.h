/* rFactor 2: the vectors and wheels of telemetry, as its Internals Plugin SDK publishes them
** (InternalsPlugin.hpp, TelemVect3 and TelemWheelV01), and the counters by which the shared memory plugin
** (rF2State.h) tells that a buffer is whole. They are Windows' structures: long has 4 bytes there, which is
** why the ABI matters. */
#pragma once
#include <stdbool.h>

#pragma pack( push, 4 )

typedef struct rF2Vec3
{
  double x, y, z;
} rF2Vec3;

typedef struct rF2Wheel
{
  double mSuspensionDeflection;  // meters
  double mRideHeight;            // meters
  double mSuspForce;             // pushrod load in Newtons
  double mBrakeTemp;             // Celsius
  double mBrakePressure;         // currently 0.0-1.0, depending on driver input and brake balance

  double mRotation;              // radians/sec
  double mLateralPatchVel;       // lateral velocity at contact patch
  double mLongitudinalPatchVel;  // longitudinal velocity at contact patch
  double mLateralGroundVel;
  double mLongitudinalGroundVel;
  double mCamber;                // radians
  double mLateralForce;          // Newtons
  double mLongitudinalForce;     // Newtons
  double mTireLoad;              // Newtons

  double mGripFract;             // an approximation of what fraction of the contact patch is sliding
  double mPressure;              // kPa (tire pressure)
  double mTemperature[3];        // Kelvin, left/center/right
  double mWear;                  // wear (0.0-1.0, fraction of maximum)
  char mTerrainName[16];         // the material prefixes from the TDF file
  unsigned char mSurfaceType;    // 0=dry, 1=wet, 2=grass, 3=dirt, 4=gravel, 5=rumblestrip, 6 = special
  bool mFlat;                    // whether tire is flat
  bool mDetached;                // whether wheel is detached
  unsigned char mStaticUndeflectedRadius; // tire radius in centimeters

  double mVerticalTireDeflection;// how much is tire deflected from its (speed-sensitive) radius
  double mWheelYLocation;        // wheel's y location relative to vehicle y location
  double mToe;                   // current toe angle w.r.t. the vehicle

  double mTireCarcassTemperature;       // rough average of temperature samples from carcass (Kelvin)
  double mTireInnerLayerTemperature[3]; // rough average of temperature samples from innermost layer (Kelvin)

  unsigned char mExpansion[24];  // for future use
} rF2Wheel;

typedef struct rF2MappedBufferVersionBlock
{
  unsigned long mVersionUpdateBegin;          // Incremented right before buffer is written to.
  unsigned long mVersionUpdateEnd;            // Incremented after buffer write is done.
} rF2MappedBufferVersionBlock;

/* A buffer of our own making out of these, since the game's are long. */
typedef struct rF2Wheels
{
  rF2MappedBufferVersionBlock version;
  rF2Vec3 mOri[3];
  rF2Wheel mWheels[4];
} rF2Wheels;

#pragma pack( pop )
