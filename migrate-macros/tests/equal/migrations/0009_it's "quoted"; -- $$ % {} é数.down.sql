DROP TABLE "täble🐘";
