CREATE TABLE "täble🐘" (id int); -- 日本
SELECT $a$ ; '"\ $a$;
