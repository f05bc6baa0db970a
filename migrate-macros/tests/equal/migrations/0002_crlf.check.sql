-- é: "it's" empty
SELECT 1
WHERE false;
